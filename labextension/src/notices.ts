import { Notification } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';

import { IJob, IState } from './server';
import { hour } from './words';

/** Milliseconds after which a success notification closes; it stays in the notification center. */
const SEEN = { autoClose: 8000 };

/** Notify of what has ended since the state before, and of outputs that are about to expire. */
export function notify(before: IState | null, now: IState, trans: TranslationBundle): void {
  const known = new Map((before?.places ?? []).flatMap(place => place.jobs).map(job => [job.key, job]));
  const jobs = now.places.flatMap(place => place.jobs);
  // In the first state, only outputs about to expire are news.
  const news = (...states: string[]) =>
    before === null ? [] : jobs.filter(job => states.includes(job.state) && known.get(job.key)?.state !== job.state);
  const sendings = new Map((before?.uploads ?? []).map(upload => [upload.number, upload.state]));
  const sent = (state: string) =>
    before === null ? [] : now.uploads.filter(one => one.state === state && sendings.get(one.number) !== state);

  const done = news('verified', 'unverified', 'done');
  if (done.length) {
    Notification.success(trans.__('Done: %1', listed(done, trans)), SEEN);
  }
  const failed = news('failed', 'expired');
  if (failed.length) {
    Notification.error(trans.__('Failed: %1', listed(failed, trans)), { autoClose: false });
  }
  const losing = jobs.filter(job => job.losing && !known.get(job.key)?.losing);
  if (losing.length) {
    const first = losing.map(job => job.ready_until ?? '').sort()[0];
    Notification.warning(trans.__('Lost at %1 unless downloaded: %2', hour(first), listed(losing, trans)), {
      autoClose: false
    });
  }
  sent('stored').forEach(upload => Notification.success(trans.__('Done: %1', upload.title), SEEN));
  sent('failed').forEach(upload =>
    Notification.error(trans.__('Failed: %1. %2', upload.title, upload.words), { autoClose: false })
  );
}

function listed(jobs: IJob[], trans: TranslationBundle): string {
  const names = jobs.slice(0, 3).map(job => job.name);
  return names.join(', ') + (jobs.length > 3 ? trans.__(' and %1 more', jobs.length - 3) : '');
}
