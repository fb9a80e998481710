import { JupyterFrontEnd } from '@jupyterlab/application';
import { INotebookTracker, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

const LOAD = '%load_ext glacier_magic';

/** Run a line in a new cell of the visible notebook, or else of a new one. */
export async function runLine(app: JupyterFrontEnd, notebooks: INotebookTracker | null, line: string): Promise<void> {
  const panel = notebooks?.currentWidget;
  if (panel?.isVisible && panel.model?.defaultKernelLanguage === 'python') {
    const loaded = panel.content.widgets.some(cell => cell.model.sharedModel.source.includes(LOAD));
    NotebookActions.insertBelow(panel.content);
    await runCell(panel, loaded ? line : `${LOAD}\n${line}`);
    return;
  }
  const { contents } = app.serviceManager;
  const { path } = await contents.newUntitled({ type: 'notebook' });
  const cell = { cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source: `${LOAD}\n${line}` };
  const kernelspec = { name: 'python3', display_name: 'Python 3' };
  const content = { cells: [cell], metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 };
  await contents.save(path, { type: 'notebook', format: 'json', content });
  const opened: NotebookPanel | undefined = await app.commands.execute('docmanager:open', { path });
  // Notebook 7 opens it in another browser tab, and the user runs it there.
  if (opened?.sessionContext) {
    await opened.context.ready;
    await runCell(opened);
  }
}

async function runCell(panel: NotebookPanel, source?: string): Promise<void> {
  await panel.sessionContext.ready;
  if (source !== undefined) {
    panel.content.activeCell?.model.sharedModel.setSource(source);
  }
  await NotebookActions.run(panel.content, panel.sessionContext);
}
