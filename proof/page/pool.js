// Many readings are judged by several workers, each of which loads the same program as this page, from this page.

import { Judge } from "./judge.js";

const PIECE = 250;
const MOST_WORKERS = 8;

/** What a worker does: the first message is the ground, every other one a piece of the readings. */
export function serve(scope) {
  let judge = null;
  scope.onmessage = ({ data }) => {
    if (judge === null) {
      judge = new Judge(data);
    } else {
      scope.postMessage(data.map((reading) => judge.judge(reading)));
    }
  };
}

/** Judges all `readings`; `told` hears how many are done. */
export async function judgeAll(ground, readings, program, told) {
  const pieces = [];
  for (let begin = 0; begin < readings.length; begin += PIECE) pieces.push(readings.slice(begin, begin + PIECE));
  const workers = Math.min(navigator.hardwareConcurrency || 2, MOST_WORKERS, pieces.length);
  if (workers > 1) {
    try {
      return await spread(ground, pieces, workers, program, told);
    } catch (error) {
      console.warn("without workers:", error);
    }
  }
  return alone(ground, pieces, told);
}

async function alone(ground, pieces, told) {
  const judge = new Judge(ground);
  const found = [];
  for (const piece of pieces) {
    for (const reading of piece) found.push(judge.judge(reading));
    told(found.length);
    // The page is drawn in between.
    await new Promise((resume) => setTimeout(resume, 0));
  }
  return found;
}

function spread(ground, pieces, workers, program, told) {
  const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const found = [];
  let [next, finished, done] = [0, 0, 0];
  const running = [];
  return new Promise((resolve, reject) => {
    const give = (worker) => {
      if (next >= pieces.length) return;
      const place = next;
      next += 1;
      worker.onmessage = ({ data }) => {
        found[place] = data;
        finished += 1;
        done += data.length;
        told(done);
        if (finished === pieces.length) resolve(found.flat());
        else give(worker);
      };
      worker.postMessage(pieces[place]);
    };
    for (let count = 0; count < workers; count += 1) {
      const worker = new Worker(address);
      running.push(worker);
      worker.onerror = () => reject(new Error("a worker did not start, or failed"));
      worker.postMessage(ground);
      give(worker);
    }
  }).finally(() => {
    for (const worker of running) worker.terminate();
    URL.revokeObjectURL(address);
  });
}
