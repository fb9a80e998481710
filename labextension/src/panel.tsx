import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { IJob, IPlace, IUpload, IVault, Model } from './server';
import { hour } from './words';

/** The actions of the panel. */
export interface IActions {
  explore: (vault: string) => void;
  board: () => void;
  watch: (on: boolean) => void;
  send: (upload: string, on: boolean) => void;
}

interface IShared {
  trans: TranslationBundle;
  actions: IActions;
}

const ENDED = ['verified', 'unverified', 'done'];
const RUNNING = ['downloading', 'in progress', 'requested', 'scheduled', 'held'];

/** The side panel. */
export class Panel extends ReactWidget {
  constructor(
    private _model: Model,
    private _shared: IShared
  ) {
    super();
    this.addClass('gm-panel');
  }

  render(): JSX.Element {
    return (
      <UseSignal signal={this._model.changed}>
        {() => {
          const { places, consent, watcherMessage, uploads } = this._model.state;
          const { trans } = this._shared;
          return (
            <>
              {places.map(place => (
                <Place key={place.key} place={place} consent={consent} {...this._shared} />
              ))}
              {watcherMessage && <p role="status">{watcherMessage}</p>}
              {this._model.known && places.length === 0 && <p>{trans.__('Not connected: run %glacier connect in a notebook.')}</p>}
              {this._model.refused && (
                <p role="status">
                  {trans.__('The Jupyter server does not answer. Restart it once after the installation, or enable its extension:')}{' '}
                  <code>jupyter server extension enable glacier_magic.notebook.lab</code>
                </p>
              )}
              <Uploads uploads={uploads} {...this._shared} />
            </>
          );
        }}
      </UseSignal>
    );
  }
}

function Place({ place, consent, trans, actions }: { place: IPlace; consent: boolean } & IShared): JSX.Element {
  const of = (...states: string[]) => place.jobs.filter(job => states.includes(job.state) && !job.losing);
  const count = (...states: string[]) => states.reduce((sum, state) => sum + (place.counts[state] ?? 0), 0);
  const losing = place.jobs.filter(job => job.losing);
  const jobs = (title: string, shown: IJob[], all: number) => (
    <Section title={title} count={all}>
      {shown.map(job => (
        <Job key={job.key} job={job} trans={trans} actions={actions} />
      ))}
      {all > shown.length && <li className="gm-more">{trans.__('and %1 more', all - shown.length)}</li>}
    </Section>
  );
  return (
    <section aria-label={place.label}>
      <h2>{place.label}</h2>
      <Watch place={place} consent={consent} trans={trans} actions={actions} />
      {jobs(trans.__('About to expire'), losing, losing.length)}
      {jobs(trans.__('Running'), of(...RUNNING), count(...RUNNING) - losing.filter(job => job.state !== 'ready').length)}
      {jobs(trans.__('Ready'), of('ready'), count('ready') - losing.filter(job => job.state === 'ready').length)}
      {jobs(trans.__('Failed'), of('failed', 'expired'), count('failed', 'expired'))}
      {jobs(trans.__('Done'), of(...ENDED).slice(0, 10), count(...ENDED))}
      <Section title={trans.__('Vaults')} count={place.vaults.length}>
        {place.vaults.map(vault => (
          <Vault key={vault.name} vault={vault} trans={trans} actions={actions} />
        ))}
      </Section>
    </section>
  );
}

function Watch({ place, consent, trans, actions }: { place: IPlace; consent: boolean } & IShared): JSX.Element {
  const { by, loses_at, loses, open } = place.watching;
  const names: { [by: string]: string } = {
    kernel: trans.__('a kernel'),
    server: trans.__('the Jupyter server'),
    watch: 'glacier-magic watch'
  };
  const words = open ? trans.__('Watched by: %1.', by ? (names[by] ?? by) : trans.__('nobody')) : trans.__('Nothing is open.');
  const lost = loses_at && !consent ? trans.__('Without a watcher, the output of %1 is lost at %2.', loses, hour(loses_at)) : '';
  return (
    <div className="gm-watch">
      <p role="status">
        {words} {lost}
      </p>
      <button className="jp-mod-styled" aria-pressed={consent} onClick={() => actions.watch(!consent)}>
        {consent ? trans.__('Stop when notebooks are closed') : trans.__('Continue when notebooks are closed')}
      </button>
    </div>
  );
}

function Section({ title, count, children }: { title: string; count: number; children: React.ReactNode }): JSX.Element | null {
  return count ? (
    <details open>
      <summary>
        {title} <span className="gm-count">{count.toLocaleString()}</span>
      </summary>
      <ul>{children}</ul>
    </details>
  ) : null;
}

function Vault({ vault, trans, actions }: { vault: IVault } & IShared): JSX.Element {
  const listed = vault.inventory ? trans.__('inventory of %1', vault.inventory) : trans.__('no inventory read');
  return (
    <li>
      <button className="gm-row" title={trans.__('Browse %1 in a notebook', vault.name)} onClick={() => actions.explore(vault.name)}>
        <span className="gm-name">{vault.name}</span>
        <span className="gm-note">
          {trans._n('%1 archive', '%1 archives', vault.archives, vault.archives.toLocaleString())}, {vault.size}, {listed}
        </span>
      </button>
    </li>
  );
}

function Job({ job, trans, actions }: { job: IJob } & IShared): JSX.Element {
  const at = hour(job.state === 'ready' || job.losing ? job.ready_until : job.expected);
  const times: { [state: string]: string } = {
    ready: trans.__('kept until %1', at),
    scheduled: trans.__('not before %1', at)
  };
  const note = [job.state, job.size, at && (times[job.losing ? 'ready' : job.state] ?? trans.__('expected %1', at)), job.error];
  return (
    <li>
      <button
        className={`gm-row${job.losing ? ' gm-losing' : ''}`}
        title={trans.__('Open the job board in a notebook')}
        onClick={() => actions.board()}
      >
        <span className="gm-name">{job.name}</span>
        <span className="gm-note">{note.filter(Boolean).join(', ')}</span>
        {job.state === 'downloading' && <progress value={job.fraction} aria-label={job.name} />}
      </button>
    </li>
  );
}

function Uploads({ uploads, trans, actions }: { uploads: IUpload[] } & IShared): JSX.Element {
  return (
    <Section title={trans.__('Uploads')} count={uploads.length}>
      {[...uploads].reverse().map(upload => (
        <li key={upload.number} className="gm-row">
          <span className="gm-name">{upload.title}</span>
          <span className="gm-note">{[upload.state, upload.words].filter(Boolean).join(', ')}</span>
          {upload.state === 'sending' && <progress value={upload.fraction} aria-label={upload.title} />}
          {upload.state !== 'stored' && (
            <button className="jp-mod-styled" onClick={() => actions.send(upload.number, upload.state !== 'sending')}>
              {upload.state === 'sending' ? trans.__('Stop') : trans.__('Continue')}
            </button>
          )}
        </li>
      ))}
    </Section>
  );
}
