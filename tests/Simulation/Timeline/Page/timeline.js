// Wires the page: scrolling, zooming, choosing, jumping, filtering, keys, and the address of a moment.

const element = id => document.getElementById(id);

class Timeline {
  constructor(run) {
    this.run = run;
    this.theme = new Theme();
    this.scale = new Scale(run);
    this.view = {
      top: 0, chosen: null, found: new Set(), hiddenKinds: new Set(), hiddenMembers: new Set(), hiddenTypes: new Set(), onlyLost: false, names: true,
      shows: item => this.shows(item),
    };
    this.drawing = new Drawing(element('canvas'), run, this.scale, this.theme, this.view);
    this.minimap = new Minimap(element('minimap'), this.drawing);
    this.details = new Details(element('details'), run, item => this.choose(item, true));
    this.search = new Search(run, this.view);
    this.scroller = element('scroller');
    this.fillHeader();
    this.layOut();
    this.listen();
    this.details.show(null);
    this.openAddress();
  }

  shows(item) {
    const { view } = this;
    if (view.hiddenMembers.has(item.member) || view.hiddenMembers.has(item.to)) return false;
    if (item.type !== 'message') return !view.hiddenTypes.has(item.type);
    return !view.hiddenKinds.has(item.kind) && (!view.onlyLost || item.losses.length > 0);
  }

  layOut() {
    const { scroller, scale } = this;
    const headHeight = element('heads').offsetHeight;
    const width = Math.max(scroller.clientWidth, Gutter + (this.run.members.length - this.view.hiddenMembers.size) * 120);
    element('length').style.height = `${scale.length}px`;
    element('length').style.width = element('heads').style.width = `${width}px`;
    this.drawing.resize(width, Math.max(80, scroller.clientHeight - headHeight));
    element('length').style.marginTop = `${-this.drawing.height}px`;
    this.minimap.resize(element('minimap').clientWidth, element('minimap').clientHeight);
    this.placeHeads();
    this.minimap.paint();
    element('scale').textContent = `${Number(scale.perMillisecond.toPrecision(2))} px/ms`;
    this.draw();
  }

  placeHeads() {
    const heads = element('heads');
    heads.replaceChildren();
    this.drawing.lanes.forEach((x, member) => {
      const head = heads.appendChild(document.createElement('div'));
      head.className = 'head';
      head.style.left = `${x - this.drawing.laneWidth / 2}px`;
      head.style.width = `${this.drawing.laneWidth}px`;
      head.dataset.member = member;
      const add = (tag, textContent = '') => head.appendChild(Object.assign(document.createElement(tag), { textContent }));
      add('b', `member ${this.run.members[member]}`);
      add('span');
      add('small');
    });
  }

  draw() {
    const { view, scroller, drawing } = this;
    view.top = Math.min(scroller.scrollTop, Math.max(0, this.scale.length - drawing.height));
    drawing.draw();
    this.minimap.draw();
    // What each member is at the upper edge of what is in view.
    const time = this.scale.time(view.top + 24);
    for (const head of element('heads').children) {
      const state = this.run.standing(Number(head.dataset.member), time);
      const text = !state ? 'not there yet' : state.down ? 'down' : `${Roles[state.role]}, term ${state.term}`;
      head.children[1].textContent = text;
      head.lastChild.textContent = state ? `log ${state.last} · commit ${state.commit}` : '';
      head.dataset.role = !state || state.down ? 'down' : Roles[state.role].toLowerCase();
      head.title = state ? `${text}; log ${state.base}–${state.last}, commit ${state.commit}, applied ${state.applied} at ${clock(time)}` : text;
    }
  }

  redraw() { this.pending ??= requestAnimationFrame(() => { this.pending = null; this.draw(); }); }

  goTo(time) {
    this.scroller.scrollTop = Math.max(0, this.scale.y(time) - this.drawing.height * 0.38);
    this.draw();
  }

  zoom(factor, atY = this.drawing.height / 2) {
    const time = this.scale.time(this.view.top + atY);
    this.scale.set(this.scale.perMillisecond * factor);
    this.layOut();
    this.scroller.scrollTop = this.scale.y(time) - atY;
    this.draw();
  }

  choose(item, goes = false) {
    this.view.chosen = item;
    this.details.show(item);
    if (goes && item) {
      const y = this.drawing.y(item.at);
      if (y < 40 || y > this.drawing.height - 60) this.goTo(item.at);
    }
    this.writeAddress(item ? `#t=${item.at}&e=${item.index}` : '#');
    this.draw();
  }

  // The moment that `next` counts from: what is chosen, as long as it is in view.
  get now() {
    const { chosen } = this.view;
    if (chosen && chosen.at >= this.scale.time(this.view.top - 8) && chosen.at <= this.scale.time(this.view.top + this.drawing.height)) return chosen.order;
    const time = this.scale.time(this.view.top);
    const items = this.run.items;
    return (items[firstIndex(items, item => item.at >= time)]?.order ?? Infinity) - 1;
  }

  step(list, direction) {
    const now = this.now;
    const place = direction > 0 ? firstIndex(list, item => item.order > now) : firstIndex(list, item => item.order >= now) - 1;
    const item = list[(place + list.length) % list.length];
    if (item) this.choose(item, true);
    return item ?? null;
  }

  nextElection(direction = 1) { return this.step(this.run.elections, direction); }

  nextFault(direction = 1) { return this.step(this.run.faults, direction); }

  nextViolation(direction = 1) { return this.step(this.run.violations, direction); }

  walk(direction) { return this.step(this.run.items.filter(item => this.shows(item)), direction); }

  find(query) {
    const count = this.search.find(query);
    element('found').textContent = query.trim() ? `${count}` : '';
    this.minimap.paint();
    this.draw();
    return count;
  }

  nextFound(direction = 1) {
    const item = this.search.step(this.now, direction);
    if (item) {
      element('found').textContent = `${this.search.place + 1} / ${this.search.matches.length}`;
      this.choose(item, true);
    }
    return item;
  }

  writeAddress(fragment) { history.replaceState(null, '', fragment); }

  openAddress() {
    const place = new URLSearchParams(location.hash.slice(1));
    const item = place.has('e') ? this.run.items[Number(place.get('e'))] : null;
    if (item) this.choose(item);
    const time = Number(place.get('t') ?? NaN);
    if (!Number.isNaN(time)) this.goTo(time);
  }

  // What is on the screen, in words: for tests, and for the curious at the console.
  visible() {
    const { shown } = this.drawing;
    return {
      from: this.scale.time(this.view.top), to: this.scale.time(this.view.top + this.drawing.height), lanes: this.drawing.lanes.filter(Boolean).length,
      arrows: shown.arrows, lost: shown.lost, marks: shown.marks, folds: shown.folds, roles: [...shown.roles].sort().join(''),
    };
  }

  // Where an item is drawn, in pixels of the canvas, or nothing when it is not in view.
  placeOf(item) {
    const shape = this.drawing.shapes.find(one => one.item === item);
    if (shape?.rect) return { x: shape.rect.x + shape.rect.width / 2, y: shape.rect.y + shape.rect.height / 2 };
    if (shape) return { x: shape.x1 + (shape.x2 - shape.x1) * 0.8, y: shape.y1 + (shape.y2 - shape.y1) * 0.8 };
    return item.type === 'state' ? { x: this.drawing.lanes[item.member], y: this.drawing.y(item.at) + 1 } : null;
  }
}
