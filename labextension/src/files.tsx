import { Dialog, InputDialog, showDialog } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { ask, IPlace } from './server';

interface IOffer {
  number: string;
  title: string;
  facts: [string, string][];
  refusal: string;
  empty: boolean;
}

/** Ask for a vault, unless there is only one; the one in use is preselected. */
export async function chooseVault(place: IPlace, title: string): Promise<string | null> {
  const names = place.vaults.map(vault => vault.name);
  if (names.length === 1) {
    return names[0];
  }
  const chosen = await InputDialog.getItem({
    title,
    items: names,
    current: Math.max(0, names.indexOf(place.vault))
  });
  return chosen.button.accept ? chosen.value : null;
}

/** The body of the upload dialog: the vault, and the plan with its price. */
class Offer extends ReactWidget {
  constructor(
    private _place: IPlace,
    private _paths: string[],
    private _trans: TranslationBundle
  ) {
    super();
    this.addClass('gm-offer');
    const names = _place.vaults.map(vault => vault.name);
    this._vault = names.includes(_place.vault) ? _place.vault : names[0];
    void this._plan();
  }

  /** The plan; null until it is received. */
  offer: IOffer | null = null;

  render(): JSX.Element {
    const { offer, _trans: trans } = this;
    return (
      <>
        <label>
          {trans.__('Vault')}{' '}
          <select
            className="jp-mod-styled"
            value={this._vault}
            onChange={event => {
              this._vault = event.target.value;
              void this._plan();
            }}
          >
            {this._place.vaults.map(vault => (
              <option key={vault.name}>{vault.name}</option>
            ))}
          </select>
        </label>
        <div role="status">
          {offer && <p>{offer.title}</p>}
          {this._error && <p className="gm-losing">{this._error}</p>}
          {!offer && !this._error && <p>{trans.__('Making the plan …')}</p>}
        </div>
        {offer && (
          <dl>
            {offer.facts.map(([label, words]) => (
              <React.Fragment key={label}>
                <dt>{label}</dt>
                <dd>{words}</dd>
              </React.Fragment>
            ))}
          </dl>
        )}
      </>
    );
  }

  private async _plan(): Promise<void> {
    const vault = this._vault;
    this.offer = null;
    this._error = '';
    this.update();
    try {
      const offer = await ask<IOffer>('uploads', { place: this._place.key, vault, paths: this._paths });
      if (vault === this._vault) {
        this.offer = offer;
        this._error = offer.refusal;
      }
    } catch (error) {
      this._error = (error as Error).message;
    }
    this.update();
  }

  private _vault: string;
  private _error = '';
}

/** Show the plan of an upload with its price, and start it when the user agrees. */
export async function upload(place: IPlace, paths: string[], trans: TranslationBundle): Promise<void> {
  const body = new Offer(place, paths, trans);
  const { button } = await showDialog({
    title: trans.__('Upload to Glacier vault'),
    body,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Start') })]
  });
  // Send only what was shown.
  if (button.accept && body.offer && !body.offer.empty) {
    await ask(`uploads/${body.offer.number}`, { on: true });
  }
}

interface IComparison {
  summary: string;
  rows: { name: string; state: string }[];
  more: number;
}

/** Compare files with the archives of a vault, and show the result. */
export async function verify(place: IPlace, paths: string[], trans: TranslationBundle): Promise<void> {
  const vault = await chooseVault(place, trans.__('Compare with Glacier vault'));
  if (vault === null) {
    return;
  }
  const found = await ask<IComparison>('verify', { place: place.key, vault, paths });
  const table = (
    <>
      <p>{trans.__('%1, according to the catalogue: %2.', vault, found.summary)}</p>
      <table className="gm-table">
        <tbody>
          {found.rows.map(row => (
            <tr key={row.name}>
              <td>{row.name}</td>
              <td>{row.state}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {found.more > 0 && <p>{trans.__('and %1 more', found.more)}</p>}
    </>
  );
  await showDialog({
    title: trans.__('Compare with Glacier vault'),
    body: ReactWidget.create(table),
    buttons: [Dialog.okButton()]
  });
}
