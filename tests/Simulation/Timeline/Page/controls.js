// Mouse, keys, buttons and filters of the page.

Object.assign(Timeline.prototype, {
  fillHeader() {
    const { run } = this;
    element('seed').textContent = `Seed ${run.seed}`;
    element('description').textContent = element('description').title = run.description;
    const outcome = element('outcome');
    const [violation] = run.violations;
    outcome.textContent = violation ? `⚑ ${violation.rule} at ${clock(violation.at)}` : '✓ no violation';
    outcome.title = violation ? `${violation.text} (v)` : 'Every promise was kept';
    outcome.classList.toggle('broken', !!violation);
    outcome.disabled = !violation;
    this.fillFilters();
  },

  fillFilters() {
    const { run, view } = this;
    const changed = () => { this.find(element('query').value); this.layOut(); };
    const box = (parent, text, className, checked, change) => {
      const label = element(parent).appendChild(document.createElement('label'));
      const input = label.appendChild(Object.assign(document.createElement('input'), { type: 'checkbox', checked }));
      label.append(Object.assign(document.createElement('i'), { className }), text);
      input.addEventListener('change', () => { change(input.checked); changed(); });
    };
    const hide = (set, value) => on => (on ? set.delete(value) : set.add(value));
    for (const [kind, count] of [...run.kinds].sort())
      box('kinds', `${kind} ${count.toLocaleString('en')}`, `line ${familyOf(kind)}`, true, hide(view.hiddenKinds, kind));
    run.members.forEach((name, member) => box('members', `member ${name}`, '', true, hide(view.hiddenMembers, member)));
    box('shows', 'faults', 'dot fault', true, on => ['fault', 'down', 'up'].forEach(type => hide(view.hiddenTypes, type)(on)));
    box('shows', 'notes', 'dot note', true, hide(view.hiddenTypes, 'note'));
    box('shows', 'names on arrows', '', true, on => { view.names = on; });
    box('shows', 'lost messages only', 'line lost', false, on => { view.onlyLost = on; });
    box('shows', 'fold quiet times', '', true, on => {
      const time = this.scale.time(view.top);
      this.scale.folds = on;
      this.scale.set(this.scale.perMillisecond);
      this.layOut();
      this.goTo(time);
    });
  },

  listen() {
    const { scroller } = this;
    const canvas = element('canvas');
    scroller.addEventListener('scroll', () => this.redraw(), { passive: true });
    new ResizeObserver(() => this.layOut()).observe(scroller);
    this.theme.system.addEventListener('change', () => { this.theme.read(); this.layOut(); });
    window.addEventListener('hashchange', () => this.openAddress());
    canvas.addEventListener('click', event => this.choose(this.drawing.at(event.offsetX, event.offsetY)));
    canvas.addEventListener('mousemove', event => {
      const item = this.drawing.at(event.offsetX, event.offsetY);
      canvas.style.cursor = item ? 'pointer' : 'default';
      canvas.title = item ? `${this.run.titleOf(item)}\n${clock(item.at)}${item.detail ? `\n${item.detail}` : ''}` : '';
    });
    scroller.addEventListener('wheel', event => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), event.clientY - canvas.getBoundingClientRect().top);
    }, { passive: false });
    this.listenToMinimap(element('minimap'));
    this.listenToButtons();
    document.addEventListener('keydown', event => this.press(event));
  },

  listenToMinimap(minimap) {
    const go = event => {
      scrollTo(event.offsetY / this.minimap.height);
    };
    const scrollTo = part => {
      this.scroller.scrollTop = part * this.scale.length - this.drawing.height / 2;
      this.draw();
    };
    minimap.addEventListener('pointerdown', event => { minimap.setPointerCapture(event.pointerId); go(event); });
    minimap.addEventListener('pointermove', event => { if (event.buttons) go(event); });
  },

  listenToButtons() {
    const on = (id, act) => element(id).addEventListener('click', act);
    on('outcome', () => this.nextViolation());
    on('election', event => this.nextElection(event.shiftKey ? -1 : 1));
    on('fault', event => this.nextFault(event.shiftKey ? -1 : 1));
    on('out', () => this.zoom(1 / 1.5));
    on('in', () => this.zoom(1.5));
    on('previous', () => this.nextFound(-1));
    on('scheme', () => { this.theme.toggle(); this.layOut(); });
    on('filter', () => this.open('filters', 'filter', element('filters').hidden));
    on('help', () => this.open('guide', 'help', element('guide').hidden));
    on('guide-close', () => this.open('guide', 'help', false));
    element('query').addEventListener('input', event => this.find(event.target.value));
    element('query').addEventListener('keydown', event => {
      if (event.key === 'Enter' && event.shiftKey) { event.preventDefault(); this.nextFound(-1); }
    });
    element('search').addEventListener('submit', event => { event.preventDefault(); this.nextFound(1); });
    // The guide is open for who comes first; where the browser remembers, it stays as it was left.
    this.open('guide', 'help', remembered('guide') !== 'closed');
  },

  open(panel, button, opens) {
    element(panel).hidden = !opens;
    element(button).setAttribute('aria-expanded', String(opens));
    if (panel === 'guide') remember('guide', opens ? 'open' : 'closed');
    this.layOut();
  },

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return this.escape();
    if (/INPUT|TEXTAREA/.test(event.target.tagName) && event.target.type !== 'checkbox') return;
    const act = {
      n: () => this.nextElection(1), N: () => this.nextElection(-1),
      f: () => this.nextFault(1), F: () => this.nextFault(-1),
      v: () => this.nextViolation(1), V: () => this.nextViolation(-1),
      j: () => this.walk(1), k: () => this.walk(-1),
      '+': () => this.zoom(1.5), '=': () => this.zoom(1.5), '-': () => this.zoom(1 / 1.5),
      0: () => { this.scale.fit(this.drawing.height); this.layOut(); },
      '/': () => element('query').select(),
      '?': () => this.open('guide', 'help', element('guide').hidden),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  },

  escape() {
    document.activeElement.blur();
    if (!element('guide').hidden) this.open('guide', 'help', false);
    else if (!element('filters').hidden) this.open('filters', 'filter', false);
    else if (element('query').value) { element('query').value = ''; this.find(''); }
    else this.choose(null);
  },
});

// A page from a disk may have nowhere to remember things.
function remembered(name) {
  try { return localStorage.getItem(`raft-timeline-${name}`); } catch { return null; }
}

function remember(name, value) {
  try { localStorage.setItem(`raft-timeline-${name}`, value); } catch { /* then it opens as for the first time */ }
}

window.timeline = new Timeline(new Run(JSON.parse(element('run').textContent)));
