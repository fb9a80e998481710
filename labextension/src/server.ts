import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

export interface IVault {
  name: string;
  archives: number;
  size: string;
  /** The time of the last inventory, in words; empty if none was read. */
  inventory: string;
}

export interface IJob {
  key: string;
  name: string;
  state: string;
  size: string;
  fraction: number;
  expected: string | null;
  ready_until: string | null;
  losing: boolean;
  error: string;
}

export interface IPlace {
  key: string;
  label: string;
  vault: string;
  vaults: IVault[];
  jobs: IJob[];
  counts: { [state: string]: number };
  watching: { by: string; loses_at: string | null; loses: string; open: number };
}

export interface IUpload {
  number: string;
  title: string;
  state: string;
  words: string;
  fraction: number;
}

export interface IState {
  places: IPlace[];
  consent: boolean;
  /** The last line of the log of the server's watcher, if it should watch and does not; else empty. */
  watcherMessage: string;
  uploads: IUpload[];
}

/** Seconds before a new request for the events after a refusal; they double each time. */
const PATIENCE = 30;

const SETTINGS = ServerConnection.makeSettings();

function address(what: string): string {
  return URLExt.join(SETTINGS.baseUrl, 'glacier-magic', what);
}

/** Send a request to the server; the error has the message of its response. */
export async function ask<T>(what: string, body?: object): Promise<T> {
  const init = body ? { method: 'POST', body: JSON.stringify(body) } : {};
  const response = await ServerConnection.makeRequest(address(what), init, SETTINGS);
  if (!response.ok) {
    throw await ServerConnection.ResponseError.create(response);
  }
  return response.json();
}

/** The state of the server, kept up to date by its events. */
export class Model {
  state: IState = { places: [], consent: false, watcherMessage: '', uploads: [] };

  /** Emitted with the state before. */
  get changed(): ISignal<this, IState | null> {
    return this._changed;
  }

  /** Whether the server has answered. */
  known = false;

  /** Whether the server has refused to: its extension is not enabled, or is starting. */
  refused = false;

  follow(patience = PATIENCE): void {
    const token = SETTINGS.appendToken && SETTINGS.token ? `?token=${encodeURIComponent(SETTINGS.token)}` : '';
    const events = new EventSource(address('events') + token, { withCredentials: true });
    events.onmessage = message => {
      const before = this.known ? this.state : null;
      this.state = JSON.parse(message.data);
      this.known = true;
      this.refused = false;
      this._changed.emit(before);
    };
    events.onerror = () => {
      // The browser itself reconnects after a lost connection, not after a refusal.
      if (events.readyState === EventSource.CLOSED) {
        this.refused = true;
        this._changed.emit(this.known ? this.state : null);
        window.setTimeout(() => this.follow(2 * patience), patience * 1000);
      }
    };
  }

  async consent(on: boolean): Promise<void> {
    await ask('consent', { on });
    this.state = { ...this.state, consent: on };
    this._changed.emit(this.state);
  }

  private _changed = new Signal<this, IState | null>(this);
}
