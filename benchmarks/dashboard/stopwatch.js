// Times one act at a time: from the input event to the frame that shows what it led to.
(() => {
  const INPUT = ["keydown", "pointerup", "input", "change"];
  let watch = null;
  const begin = (event) => {
    if (watch !== null && watch.began === null) watch.began = event.timeStamp;
  };
  for (const kind of INPUT) window.addEventListener(kind, begin, { capture: true, passive: true });

  // What is there when a frame is drawn is seen when it has been drawn.
  const afterPaint = (then) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => then(performance.now());
    channel.port2.postMessage(null);
  };
  const look = () => {
    const now = watch;
    if (now === null) return;
    if (now.began !== null) {
      for (const part of ["responded", "answered"]) {
        if (now[part] !== null || !now.tests[part]()) continue;
        now[part] = Number.POSITIVE_INFINITY;
        afterPaint((at) => {
          now[part] = at - now.began;
          if (Number.isFinite(now.responded) && Number.isFinite(now.answered)) now.done();
        });
      }
    }
    if (!(now.responded && now.answered)) requestAnimationFrame(look);
  };
  window.stopwatch = {
    /** Wait for the next input, then until both say yes; see `result`. */
    arm(responded, answered) {
      watch = { began: null, responded: null, answered: null, tests: { responded, answered } };
      const own = watch;
      this.finished = new Promise((resolve) => {
        own.done = () => resolve([own.responded, own.answered]);
      });
      requestAnimationFrame(look);
    },
    result(withinMs) {
      const own = watch;
      const late = new Promise((resolve) =>
        setTimeout(() => resolve([own.responded, own.answered, own.began]), withinMs),
      );
      return Promise.race([this.finished, late]);
    },
  };
  window.hasInk = (canvas) => {
    if (!canvas?.width) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, Math.min(400, canvas.width), Math.min(120, canvas.height));
    for (let at = 3; at < data.length; at += 4) if (data[at]) return true;
    return false;
  };
})();
