// The whole run in one strip: roles of all lanes, elections, faults, violations, matches; a frame around what is in view.

class Minimap {
  constructor(canvas, drawing) {
    Object.assign(this, { canvas, drawing });
    this.still = document.createElement('canvas');
  }

  resize(width, height) {
    const density = window.devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.still]) {
      canvas.width = width * density;
      canvas.height = height * density;
      canvas.getContext('2d').setTransform(density, 0, 0, density, 0, 0);
    }
    this.width = width;
    this.height = height;
  }

  y(time) { return this.drawing.scale.y(time) / this.drawing.scale.length * this.height; }

  // All that does not change with scrolling is painted once.
  paint() {
    const { drawing: { run, theme, view, lanes }, width } = this;
    const context = this.still.getContext('2d');
    context.fillStyle = theme.panel;
    context.fillRect(0, 0, width, this.height);
    const shown = Object.keys(lanes).map(Number);
    const lane = (width - 28) / Math.max(1, shown.length);
    shown.forEach((member, place) => {
      const states = run.states[member];
      for (let index = 0; index < states.length;) {
        let after = index + 1;
        while (after < states.length && states[after].role === states[index].role && states[after].down === states[index].down) after++;
        const top = this.y(states[index].at);
        const bottom = this.y(after < states.length ? states[after].at : run.end);
        context.fillStyle = states[index].down ? theme.hair : theme.roles[states[index].role];
        context.fillRect(14 + place * lane, top, Math.max(1, lane - 1.5), Math.max(1, bottom - top));
        index = after;
      }
    });
    for (const election of run.elections) this.tick(context, election.at, 0, 11, theme.roles[2], 2);
    for (const victory of run.victories) this.tick(context, victory.at, 0, 11, theme.roles[3], 2);
    for (const fault of run.faults) this.tick(context, fault.at, width - 11, 11, theme.fault, 2);
    for (const match of view.found) this.tick(context, match.at, 14, width - 28, theme.found, 1);
    for (const violation of run.violations) this.tick(context, violation.at, 0, width, theme.violation, 4);
  }

  tick(context, time, x, width, colour, height) {
    context.fillStyle = colour;
    context.fillRect(x, this.y(time) - height / 2, width, height);
  }

  draw() {
    const { drawing: { theme, view, scale, height }, canvas } = this;
    const context = canvas.getContext('2d');
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.still, 0, 0);
    context.restore();
    const top = view.top / scale.length * this.height;
    const tall = Math.max(6, height / scale.length * this.height);
    context.strokeStyle = theme.ink;
    context.lineWidth = 2;
    context.strokeRect(1, top + 1, this.width - 2, tall - 2);
    context.fillStyle = theme.ink;
    context.globalAlpha = 0.08;
    context.fillRect(1, top + 1, this.width - 2, tall - 2);
    context.globalAlpha = 1;
  }
}
