import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { LabIcon } from '@jupyterlab/ui-components';

import { chooseVault, upload, verify } from './files';
import { runLine } from './notebooks';
import { notify } from './notices';
import { IActions, Panel } from './panel';
import { ask, IPlace, Model } from './server';
import { StatusItem } from './status';
import { quoted } from './words';

const ID = 'glacier_magic:plugin';

const ICON = new LabIcon({
  name: 'glacier_magic:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
    <path class="jp-icon3" fill="#616161" d="M8 1 4.5 8h7zM1 9.5h14L12.5 12h-9zM4.5 13h7L8 15.5z"/></svg>`
});

async function activate(
  app: JupyterFrontEnd,
  translator: ITranslator | null,
  palette: ICommandPalette | null,
  restorer: ILayoutRestorer | null,
  files: IFileBrowserFactory | null,
  notebooks: INotebookTracker | null,
  statusBar: IStatusBar | null,
  registry: ISettingRegistry | null
): Promise<void> {
  const trans = (translator ?? nullTranslator).load('glacier_magic');
  const { commands, shell } = app;
  const model = new Model();

  /** Wait for work, and show its error. */
  const trying = (work: Promise<unknown>) =>
    work.catch(error => Notification.error(String(error.message), { autoClose: false }));
  const line = (words: string) => void trying(runLine(app, notebooks, `%glacier ${words}`));
  const actions: IActions = {
    explore: vault => line(`explore ${vault}`),
    board: () => line('jobs'),
    watch: on => void trying(model.consent(on)),
    send: (number, on) => void trying(ask(`uploads/${number}`, { on }))
  };

  const panel = new Panel(model, { trans, actions });
  panel.id = 'glacier_magic:panel';
  panel.title.icon = ICON;
  panel.title.caption = trans.__('Glacier vaults');
  panel.node.setAttribute('role', 'region');
  panel.node.setAttribute('aria-label', trans.__('Glacier vaults'));
  shell.add(panel, 'left', { rank: 650, type: 'Glacier' });
  restorer?.add(panel, 'glacier_magic-panel');

  const category = trans.__('Glacier');
  const command = (name: string, label: string, execute: () => void, options = {}) => {
    commands.addCommand(`glacier_magic:${name}`, { label, execute, ...options });
    palette?.addItem({ command: `glacier_magic:${name}`, category });
  };
  command('show', trans.__('Show Glacier Vaults'), () => shell.activateById(panel.id));
  command('jobs', trans.__('Open the Glacier Job Board'), () => line('jobs'));
  command('watch', trans.__('Continue Glacier Jobs When Notebooks Are Closed'), () => actions.watch(!model.state.consent), {
    isToggled: () => model.state.consent
  });

  /** Add a command of the file browser's menu: it acts on the selected files, folders with a slash, with the panel's first catalogue. */
  const onFiles = (name: string, label: string, act: (place: IPlace, paths: string[]) => Promise<void>) =>
    commands.addCommand(`glacier_magic:${name}`, {
      label,
      icon: ICON,
      isVisible: () => !!model.state.places[0]?.vaults.length,
      execute: () => {
        const items = [...(files?.tracker.currentWidget?.selectedItems() ?? [])];
        const paths = items.map(item => item.path + (item.type === 'directory' ? '/' : ''));
        return paths.length ? trying(act(model.state.places[0], paths)) : undefined;
      }
    });
  onFiles('upload', trans.__('Upload to Glacier vault …'), (place, paths) => upload(place, paths, trans));
  onFiles('verify', trans.__('Compare with Glacier vault'), (place, paths) => verify(place, paths, trans));
  onFiles('restore', trans.__('Restore from Glacier vault …'), async (place, paths) => {
    const vault = await chooseVault(place, trans.__('Restore from Glacier vault'));
    if (vault !== null) {
      // Names of archives are paths from the server's root, so files are restored to their places.
      line(`restore ${paths.map(quoted).join(' ')} --vault ${vault} --to ${quoted(PageConfig.getOption('serverRoot'))}`);
    }
  });

  const settings = await registry?.load(ID).catch(() => undefined);
  const wanted = (name: string) => settings?.get(name).composite !== false;
  statusBar?.registerStatusItem('glacier_magic:status', {
    item: new StatusItem(model, trans, () => void commands.execute('glacier_magic:show')),
    align: 'left',
    rank: 60,
    isActive: () => wanted('statusBar') && model.state.places.some(place => place.watching.open > 0),
    activeStateChanged: model.changed as any
  });
  model.changed.connect((_, before) => {
    commands.notifyCommandChanged('glacier_magic:watch');
    if (wanted('notifications')) {
      notify(before, model.state, trans);
    }
  });
  model.follow();
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Amazon Glacier vaults: a panel, notifications, and commands of the file browser.',
  autoStart: true,
  optional: [
    ITranslator,
    ICommandPalette,
    ILayoutRestorer,
    IFileBrowserFactory,
    INotebookTracker,
    IStatusBar,
    ISettingRegistry
  ],
  activate
};

export default plugin;
