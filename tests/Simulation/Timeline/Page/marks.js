// Faults, notes and violations: signs with a few words; and what is chosen or found.

Object.assign(Drawing.prototype, {
  drawMarks() {
    const { run } = this;
    const groups = new Map();
    const crowd = { y: -Infinity, x: 0 };
    const sides = run.sides;
    for (let index = firstIndex(sides, item => item.at >= this.from); index < sides.length && sides[index].at <= this.to; index++) {
      const item = sides[index];
      if (!this.view.shows(item) || (this.dense && item.type === 'note')) continue;
      if (item.type === 'violation') this.drawViolation(item);
      else if (item.member === World) this.drawWorldMark(item, crowd);
      else if (this.lanes[item.member]) this.groupMark(item, groups);
      else continue;
      this.shown.marks++;
    }
    for (const [member, group] of groups) this.drawGroup(member, group);
    this.drawEnd();
  },

  // What happens to a member at nearly the same time stands side by side: signs, then the words of the weightiest.
  groupMark(item, groups) {
    const y = this.y(item.at);
    const group = groups.get(item.member);
    if (group && y < group.y + 9) {
      group.items.push(item);
      return;
    }
    if (group) this.drawGroup(item.member, group);
    groups.set(item.member, { y, items: [item], words: group?.words ?? -Infinity });
  },

  drawGroup(member, group) {
    const { context } = this;
    const { y, items } = group;
    let x = this.lanes[member] - BarHalf - StripeWidth - 11;
    for (const item of items.slice(0, 5)) {
      const { sign, colour } = this.signOf(item);
      this.font(item.type === 'note' ? 9 : 12);
      context.fillStyle = colour;
      context.textAlign = 'center';
      context.fillText(sign, x, y);
      this.shapes.push({ item, rect: { x: x - 6, y: y - 7, width: 12, height: 14 } });
      x -= 11;
    }
    const speaker = items.find(item => item.type !== 'note') ?? items[0];
    this.font(10.5);
    const more = items.length > 1 && items.every(item => item.type === 'note') ? ` +${items.length - 1}` : '';
    const text = this.shorten(speaker.text + more, this.laneWidth * 0.64 - LabelsFrom - items.length * 4);
    if (!text || y < group.words + 14) return;
    group.words = y;
    this.shapes.push({ item: speaker, rect: this.label(text, x + 3, y, this.signOf(speaker).colour, 'right') });
  },

  drawEnd() {
    const y = this.y(this.run.end);
    if (y > this.height) return;
    const { context, theme } = this;
    context.fillStyle = theme.quiet;
    this.font(10.5);
    context.textAlign = 'right';
    context.fillText('end of the run', this.width - 10, y + 14);
  },

  signOf(item) {
    const { theme } = this;
    switch (item.type) {
      case 'fault': return { sign: '◆', colour: theme.fault };
      case 'down': return { sign: '✕', colour: theme.fault };
      case 'up': return { sign: '▲', colour: theme.kept };
      case 'violation': return { sign: '⚑', colour: theme.violation };
      default: return { sign: '●', colour: theme.note };
    }
  },

  drawWorldMark(item, crowd) {
    const { context } = this;
    const { sign, colour } = this.signOf(item);
    const y = this.y(item.at);
    const left = y < crowd.y + 15 ? crowd.x + 10 : Gutter + 4;
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.globalAlpha = item.type === 'fault' ? 0.8 : 0.35;
    context.setLineDash([2, 4]);
    line(context, Gutter, crisp(y), this.width, crisp(y));
    context.setLineDash([]);
    context.globalAlpha = 1;
    this.font(10.5, item.type === 'fault' ? 600 : 400);
    const text = this.shorten(`${sign} ${item.text}`, Math.min(item.type === 'fault' ? 560 : 320, this.width - left - 20));
    if (!text) return;
    const rect = this.label(text, left, y, colour);
    this.shapes.push({ item, rect });
    crowd.y = y;
    crowd.x = rect.x + rect.width;
  },

  drawViolation(item) {
    const { context, theme } = this;
    const y = this.y(item.at);
    context.strokeStyle = theme.violation;
    context.lineWidth = 3;
    line(context, 0, y, this.width, y);
    this.font(12, 700);
    const text = this.shorten(`⚑ ${item.text.startsWith(item.rule) ? '' : `${item.rule}: `}${item.text}`, this.width - Gutter - 40);
    const width = context.measureText(text).width;
    context.fillStyle = theme.violation;
    context.fillRect(Gutter, y, width + 20, 22);
    context.fillStyle = theme.paper;
    context.textAlign = 'left';
    context.fillText(text, Gutter + 10, y + 11.5);
    this.shapes.push({ item, rect: { x: Gutter, y: y - 3, width: width + 20, height: 25 } });
  },

  drawChosen() {
    for (const shape of this.shapes)
      if (this.view.found.has(shape.item)) this.surround(shape, this.theme.found, 0.5);
    const { chosen } = this.view;
    if (!chosen || chosen.at > this.to) return;
    const { context, theme } = this;
    const y = this.y(chosen.at);
    context.fillStyle = theme.chosen;
    context.fillRect(0, y - 8, Gutter - 8, 16);
    context.fillStyle = theme.paper;
    this.font(11, 600);
    context.textAlign = 'right';
    context.fillText(clock(chosen.at), Gutter - 14, y + 0.5);
    for (const shape of this.shapes)
      if (shape.item === chosen) this.surround(shape, theme.chosen, 1);
    if (chosen.type === 'state' && this.lanes[chosen.member]) {
      context.strokeStyle = theme.chosen;
      context.lineWidth = 2;
      context.strokeRect(this.lanes[chosen.member] - BarHalf - 3, y - 2, BarHalf * 2 + 6, 16);
    }
  },

  surround(shape, colour, alpha) {
    const { context } = this;
    context.strokeStyle = colour;
    context.globalAlpha = alpha;
    if (shape.rect) {
      context.lineWidth = 2;
      context.strokeRect(shape.rect.x - 1, shape.rect.y - 1, shape.rect.width + 2, shape.rect.height + 2);
    } else {
      context.lineWidth = alpha === 1 ? 3.5 : this.dense ? 1 : 6;
      line(context, shape.x1, shape.y1, shape.x2, shape.y2);
    }
    context.globalAlpha = 1;
  },

  // What lies under a point: signs before arrows, arrows before bars.
  at(x, y) {
    const signs = this.shapes.findLast(({ rect }) =>
      rect && x >= rect.x - 2 && x <= rect.x + rect.width + 2 && y >= rect.y - 2 && y <= rect.y + rect.height + 2);
    if (signs) return signs.item;
    let nearest = null, least = 6;
    for (const shape of this.shapes) {
      const far = shape.rect ? Infinity : distance(x, y, shape);
      if (far < least) [nearest, least] = [shape.item, far];
    }
    if (nearest) return nearest;
    const member = this.lanes.findIndex(lane => lane && x > lane - BarHalf - 8 && x < lane + LabelsFrom + 70);
    return member >= 0 ? this.run.standing(member, this.scale.time(y + this.view.top + 1)) : null;
  },
});

// From a point to a line between two points.
function distance(x, y, { x1, y1, x2, y2 }) {
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const part = length ? Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length)) : 0;
  return Math.hypot(x - x1 - part * (x2 - x1), y - y1 - part * (y2 - y1));
}
