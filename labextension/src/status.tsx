import { TextItem } from '@jupyterlab/statusbar';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Model } from './server';
import { hour } from './words';

/** The item of the status bar: how much is open, and when the next job is expected. */
export class StatusItem extends ReactWidget {
  constructor(
    private _model: Model,
    private _trans: TranslationBundle,
    private _clicked: () => void
  ) {
    super();
  }

  render(): JSX.Element {
    return <UseSignal signal={this._model.changed}>{() => this._item()}</UseSignal>;
  }

  private _item(): JSX.Element {
    const { places } = this._model.state;
    const open = places.reduce((sum, place) => sum + place.watching.open, 0);
    const hours = places.flatMap(place => place.jobs).filter(job => job.state !== 'ready').map(job => job.expected ?? '');
    const next = hour(hours.filter(Boolean).sort()[0] ?? null);
    const words = this._trans._n('%1 retrieval', '%1 retrievals', open, open);
    return (
      <TextItem
        source={next ? this._trans.__('Glacier: %1, next %2', words, next) : `Glacier: ${words}`}
        onClick={this._clicked}
        title={this._trans.__('Show Glacier Vaults')}
      />
    );
  }
}
