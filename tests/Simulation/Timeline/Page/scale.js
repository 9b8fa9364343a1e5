// Where a time lies on the page. Between two moments at which something happens the distance is proportional to the time,
// but a quiet time longer than QuietPixels is folded to that: an hour of silence is no reason to scroll for an hour.

const QuietPixels = 56;
// Browsers clip elements beyond some 33 million pixels; far below that, scroll positions stay exact.
const LengthMost = 12_000_000;

class Scale {
  constructor(run) {
    const times = new Set([run.begin, run.end]);
    for (const item of run.items) {
      times.add(item.at);
      if (item.type === 'message') [...item.arrivals, ...item.losses].forEach(one => times.add(one.at));
    }
    this.times = Float64Array.from(times).sort();
    this.positions = new Float64Array(this.times.length);
    this.folds = true;
    this.set(this.startingScale(run));
  }

  // About nine pixels an event, so that the first look shows arrows and not a thicket.
  startingScale(run) {
    const gaps = Array.from(this.times.subarray(1), (time, index) => time - this.times[index]).sort((a, b) => a - b);
    const usual = gaps[Math.floor(gaps.length * 0.75)] ?? 1;
    const busy = gaps.reduce((sum, gap) => sum + Math.min(gap, usual * 4), 0) || 1;
    return run.items.length * 9 / busy;
  }

  set(pixelsPerMillisecond) {
    this.perMillisecond = Math.min(40, Math.max(0.0005, pixelsPerMillisecond));
    this.folded = [];
    let position = 24;
    for (let index = 0; index < this.times.length; index++) {
      if (index > 0) {
        const gap = (this.times[index] - this.times[index - 1]) * this.perMillisecond;
        const folds = this.folds && gap > QuietPixels * 1.5;
        if (folds) this.folded.push(index);
        position += folds ? QuietPixels : gap;
      }
      this.positions[index] = position;
    }
    this.length = position + 48;
    if (this.length > LengthMost) this.set(this.perMillisecond * LengthMost / this.length * 0.99);
  }

  // The largest scale at which the whole run is at most so long.
  fit(pixels) {
    let low = 0.0005, high = 40;
    for (let round = 0; round < 24; round++) {
      const middle = Math.sqrt(low * high);
      this.set(middle);
      if (this.length > pixels) high = middle; else low = middle;
    }
    this.set(low);
  }

  y(time) { return this.interpolate(this.times, this.positions, time); }

  time(y) { return this.interpolate(this.positions, this.times, y); }

  interpolate(from, to, value) {
    const after = firstIndex(from, one => one > value);
    if (after === 0) return to[0];
    if (after === from.length) return to[from.length - 1];
    const span = from[after] - from[after - 1];
    return to[after - 1] + (span ? (value - from[after - 1]) / span : 0) * (to[after] - to[after - 1]);
  }

  // The quiet times that are folded and lie in view: [{from, to}].
  foldsBetween(from, to) {
    const found = [];
    for (let index = firstIndex(this.folded, one => this.times[one] > from); index < this.folded.length; index++) {
      const end = this.folded[index];
      if (this.times[end - 1] > to) break;
      found.push({ from: this.times[end - 1], to: this.times[end] });
    }
    return found;
  }
}
