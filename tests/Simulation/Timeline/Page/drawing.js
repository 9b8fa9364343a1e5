// Draws the part of the run that is in view, and no more: a run of a hundred thousand events costs what one screen costs.

const Gutter = 76, BarHalf = 8, StripeWidth = 4, RibbonLeft = BarHalf + 3, RibbonWidth = 24;
const LabelsFrom = RibbonLeft + RibbonWidth + 5;
// Beyond so many arrows in view they are a texture: heads and names would only be noise.
const HeadsMost = 2500, NamesMost = 220;

class Drawing {
  constructor(canvas, run, scale, theme, view) {
    Object.assign(this, { canvas, run, scale, theme, view });
    this.context = canvas.getContext('2d');
    this.lanes = [];
  }

  resize(width, height) {
    const density = window.devicePixelRatio || 1;
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.context.setTransform(density, 0, 0, density, 0, 0);
    const shown = this.run.members.map((_, member) => member).filter(member => !this.view.hiddenMembers.has(member));
    this.laneWidth = (width - Gutter) / Math.max(1, shown.length);
    this.lanes = [];
    shown.forEach((member, place) => { this.lanes[member] = Gutter + this.laneWidth * (place + 0.5); });
  }

  y(time) { return this.scale.y(time) - this.view.top; }

  draw() {
    const { context, theme } = this;
    this.from = this.scale.time(this.view.top - 60);
    this.to = this.scale.time(this.view.top + this.height + 60);
    this.shapes = [];
    this.labels = [];
    this.shown = { arrows: 0, lost: 0, marks: 0, folds: 0, roles: new Set() };
    context.fillStyle = theme.paper;
    context.fillRect(0, 0, this.width, this.height);
    context.textBaseline = 'middle';
    this.messages = this.run.messagesBetween(this.from, this.to)
      .filter(message => this.view.shows(message) && this.lanes[message.member] && this.lanes[message.to]);
    this.dense = this.messages.length > HeadsMost;
    this.drawTimes();
    // From far away the arrows are a shade behind the lanes.
    if (this.dense) this.drawMessages();
    this.eachLane((member, x) => this.drawLane(member, x));
    if (!this.dense) this.drawMessages();
    this.eachLane((member, x) => this.drawStateLabels(member, x));
    if (!this.dense) this.drawFoldNames();
    this.drawMarks();
    if (this.messages.length <= NamesMost && this.view.names) this.drawNames();
    this.drawChosen();
  }

  eachLane(draw) { this.lanes.forEach((x, member) => draw(member, x)); }

  font(size, weight = 400) { this.context.font = `${weight} ${size}px system-ui, "DejaVu Sans", sans-serif`; }

  // A text over a veil of paper, so that it can be read where arrows cross.
  label(text, x, y, colour, align = 'left') {
    const { context } = this;
    const width = context.measureText(text).width;
    const left = align === 'right' ? x - width : align === 'center' ? x - width / 2 : x;
    context.globalAlpha = 0.86;
    context.fillStyle = this.theme.paper;
    context.fillRect(left - 3, y - 7, width + 6, 14);
    context.globalAlpha = 1;
    context.fillStyle = colour;
    context.textAlign = 'left';
    context.fillText(text, left, y + 0.5);
    const box = { x: left - 3, y: y - 7, width: width + 6, height: 14 };
    this.labels.push(box);
    return box;
  }

  shorten(text, width) {
    const { context } = this;
    if (context.measureText(text).width <= width) return text;
    const letters = Math.floor(text.length * width / context.measureText(text).width) - 1;
    return letters > 3 ? `${text.slice(0, letters).trimEnd()}…` : '';
  }

  drawTimes() {
    const { context, theme, scale } = this;
    const step = niceStep(56 / scale.perMillisecond);
    this.font(11);
    context.lineWidth = 1;
    this.folds = scale.foldsBetween(this.from, this.to);
    this.shown.folds = this.folds.length;
    for (const fold of this.folds) this.drawFold(fold);
    let lowest = -Infinity, nextFold = 0;
    for (let time = Math.ceil(this.from / step) * step; time <= this.to;) {
      while (this.folds[nextFold]?.to <= time) nextFold++;
      if (this.folds[nextFold]?.from < time) {
        // Inside a fold no time has its place.
        time = Math.ceil(this.folds[nextFold].to / step) * step;
        continue;
      }
      const y = this.y(time);
      if (y < lowest + 24) {
        time = Math.max(time + step, Math.ceil(scale.time(this.view.top + lowest + 24) / step) * step);
        continue;
      }
      lowest = y;
      context.strokeStyle = theme.hair;
      line(context, Gutter - 8, crisp(y), this.width, crisp(y));
      context.fillStyle = theme.quiet;
      context.textAlign = 'right';
      context.fillText(clock(time), Gutter - 14, y + 0.5);
      time += step;
    }
  }

  drawFold(fold) {
    const { context, theme } = this;
    const top = this.y(fold.from), bottom = this.y(fold.to);
    context.fillStyle = theme.panel;
    context.fillRect(Gutter - 8, top + 6, this.width - Gutter + 8, bottom - top - 12);
    context.fillStyle = theme.quiet;
    context.textAlign = 'right';
    context.fillText('⋮', Gutter - 30, (top + bottom) / 2);
  }

  // Over the lanes, between each second pair of them.
  drawFoldNames() {
    this.font(10.5);
    for (const fold of this.folds) {
      const y = (this.y(fold.from) + this.y(fold.to)) / 2;
      for (let x = Gutter + this.laneWidth * 1.08; x < this.width - 20; x += this.laneWidth * 2)
        this.label(`quiet for ${duration(fold.to - fold.from)}`, x, y, this.theme.quiet, 'center');
    }
  }

  drawLane(member, x) {
    const { context, theme, run } = this;
    const states = run.states[member];
    const born = run.born[member];
    if (born === null || born > this.to) return;
    context.strokeStyle = theme.hair;
    context.lineWidth = 2;
    line(context, x, Math.max(-4, this.y(born)), x, Math.min(this.height, this.y(run.end)));
    let index = Math.max(0, firstIndex(states, state => state.at > this.from) - 1);
    const first = index;
    while (index < states.length && states[index].at <= this.to) {
      const state = states[index];
      let after = index + 1;
      while (after < states.length && sameStanding(states[after], state) && states[after].at <= this.to) after++;
      const end = after < states.length ? states[after].at : run.end;
      this.drawStanding(state, x, this.y(state.at), this.y(end));
      index = after;
    }
    this.drawRibbon(states, first, x);
  }

  drawStanding(state, x, top, bottom) {
    const { context, theme } = this;
    const upper = Math.max(-6, top), height = Math.max(2, Math.min(this.height + 6, bottom) - upper);
    if (upper > this.height) return;
    this.shown.roles.add(state.down ? '✕' : RoleLetters[state.role]);
    context.fillStyle = theme.term(state.term);
    context.fillRect(x - BarHalf - StripeWidth - 2, upper, StripeWidth, height);
    if (state.down) {
      this.hatch(x - BarHalf, upper, BarHalf * 2, height, top);
    } else {
      context.fillStyle = theme.roles[state.role];
      context.fillRect(x - BarHalf, upper, BarHalf * 2, height);
    }
    if (height < 12) return;
    this.font(11, 700);
    context.textAlign = 'center';
    context.fillStyle = state.down ? theme.down : theme.letters[state.role];
    context.fillText(state.down ? '✕' : RoleLetters[state.role], x, Math.max(upper, 0) + 8);
  }

  hatch(x, y, width, height, anchor) {
    const { context, theme } = this;
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    context.fillStyle = theme.paper;
    context.fill();
    context.strokeStyle = theme.down;
    context.lineWidth = 1;
    context.beginPath();
    for (let at = y - width - ((y - anchor) % 6); at < y + height; at += 6) {
      context.moveTo(x, at + width);
      context.lineTo(x + width, at);
    }
    context.stroke();
    context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    context.restore();
  }

  // The log beside the bar: how far committed (full) and how far written (pale), measured between the lowest commit index
  // and the highest last index in view, so that who lags is seen at once.
  drawRibbon(states, first, x) {
    const { context, theme } = this;
    const [low, high] = this.logRange();
    if (high <= low) return;
    const width = index => RibbonWidth * Math.max(0, Math.min(1, (index - low) / (high - low)));
    // Whole pixels: no seams between states, and what is thinner than one is not drawn.
    const edge = index => Math.max(-2, Math.min(this.height + 2, Math.round(this.y(index < states.length ? states[index].at : this.run.end))));
    let top = edge(first);
    for (let index = first; index < states.length && states[index].at <= this.to; index++) {
      const state = states[index], bottom = edge(index + 1);
      if (bottom <= top) continue;
      context.globalAlpha = state.down ? 0.35 : 1;
      context.fillStyle = theme.uncommitted;
      context.fillRect(x + RibbonLeft, top, width(state.last), bottom - top);
      context.fillStyle = theme.committed;
      context.fillRect(x + RibbonLeft, top, width(state.commit), bottom - top);
      top = bottom;
    }
    context.globalAlpha = 1;
  }

  logRange() {
    if (this.rangeOf === this.view.top && this.rangeScale === this.scale.perMillisecond) return this.range;
    let low = Infinity, high = 0;
    this.eachLane(member => {
      const start = this.run.standing(member, this.from), end = this.run.standing(member, this.to);
      if (start && !start.down) low = Math.min(low, start.commit);
      if (end) high = Math.max(high, end.last);
    });
    this.rangeOf = this.view.top;
    this.rangeScale = this.scale.perMillisecond;
    this.range = [Math.max(0, Math.min(low, high - 8) - 1), high];
    return this.range;
  }

  drawStateLabels(member, x) {
    const states = this.run.states[member];
    const room = Math.min(this.laneWidth * 0.56, this.width - x) - LabelsFrom - 4;
    if (room < 34) return;
    this.font(10.5);
    let lowest = -Infinity;
    for (let index = firstIndex(states, state => state.at >= this.from); index < states.length && states[index].at <= this.to; index++) {
      const state = states[index], before = state.before;
      const y = this.y(state.at) + 7;
      if (state.down || y < lowest + 15) continue;
      const newTerm = (before?.term ?? 0) !== state.term;
      const moved = before && (before.last !== state.last || before.commit !== state.commit);
      if (!newTerm && (!moved || this.dense)) continue;
      lowest = y;
      const positions = state.commit === state.last ? `${state.last} ✓` : `${state.last} (✓${state.commit})`;
      const text = newTerm ? `term ${state.term}` : this.context.measureText(positions).width <= room ? positions : `${state.last}`;
      this.label(text, x + LabelsFrom, y, newTerm ? this.theme.ink : this.theme.quiet);
    }
  }
}

// 1, 2 or 5 times a power of ten, not below what is asked for: milliseconds are whole.
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map(times => times * power).find(step => step >= Math.max(1, least));
}

function clock(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return `${seconds}.${String(Math.floor(milliseconds % 1000)).padStart(3, '0')} s`;
}

function duration(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function sameStanding(one, other) { return one.role === other.role && one.term === other.term && one.down === other.down; }

function crisp(position) { return Math.round(position) + 0.5; }

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
