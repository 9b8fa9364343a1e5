// The panel at the side: all about what is chosen and what came of it; and while nothing is, the story of the run.

const StoryMost = 400;

class Details {
  constructor(element, run, choose) { Object.assign(this, { element, run, choose }); }

  show(item) {
    this.element.replaceChildren();
    if (item) this.showItem(item); else this.showRun();
    this.element.scrollTop = 0;
  }

  showItem(item) {
    const { run } = this;
    this.add('button', '← the run', 'back').addEventListener('click', () => this.choose(null));
    this.add('p', item.type === 'state' ? 'state change' : item.type, `type ${item.family ?? item.type}`);
    const title = run.titleOf(item);
    this.add('h2', title.length > 120 ? `${title.slice(0, 119)}…` : title);
    if (item.type === 'message') this.showMessage(item);
    else if (item.type === 'state' || item.type === 'down' || item.type === 'up') this.showState(item);
    else this.fields([['at', clock(item.at)], ['where', run.nameOf(item.member)], ['what', item.text ?? '']]);
  }

  showMessage(message) {
    const { run } = this;
    this.fields([
      ['kind', message.kind],
      ['from', run.nameOf(message.member)],
      ['to', run.nameOf(message.to)],
      ['sent', clock(message.at)],
      ...message.arrivals.map(arrival => ['delivered', `${clock(arrival.at)}, after ${duration(arrival.at - message.at)}`]),
      ...message.losses.map(loss => ['lost', `${clock(loss.at)}: ${loss.why}`]),
      ...(message.underWay ? [['outcome', 'under way when the run ended']] : []),
      ['number', message.number],
    ]);
    this.fields(fieldsOf(message.detail));
    const cause = run.causeOf(message);
    if (cause) this.list('Sent on receiving', [cause], '', message.at);
    for (const arrival of message.arrivals) {
      const then = run.consequences(message.to, arrival.at, arrival.order);
      this.list(`What came of it at ${run.nameOf(message.to)}`, then, 'Nothing that is seen: no change, no answer.');
    }
  }

  showState(state) {
    const { run } = this;
    const before = state.before ?? {};
    const row = (name, now, then) => [name, then === undefined || then === now ? `${now}` : `${then} → ${now}`, then !== undefined && then !== now];
    const role = one => (one.down === undefined ? undefined : one.down ? 'down' : Roles[one.role]);
    this.fields([
      ['at', clock(state.at)],
      ...(state.text ? [['why', state.text]] : []),
      row('role', role(state), role(before)),
      row('term', state.term, before.term),
      row('log after', state.base, before.base),
      row('log last', state.last, before.last),
      row('commit', state.commit, before.commit),
      row('applied', state.applied, before.applied),
    ]);
    const cause = run.causeOf(state);
    this.list('Because of', cause ? [cause] : [], 'No message in this millisecond: a timer, a disk or a client.', state.at);
    this.list('Then', run.consequences(state.member, state.at, state.order));
  }

  showRun() {
    const { run } = this;
    this.add('h2', 'The run');
    const lost = run.messages.filter(message => message.losses.length).length;
    this.fields([
      ['lasted', clock(run.end - run.begin)],
      ['members', run.members.length],
      ['elections', `${run.elections.length}, won ${run.victories.length}`],
      ['highest term', run.states.flat().reduce((most, state) => Math.max(most, state.term), 0)],
      ['messages', `${run.messages.length.toLocaleString('en')}, lost ${lost.toLocaleString('en')}`],
      ['faults', run.faults.length],
      ['violations', run.violations.length],
    ]);
    const story = [...run.elections, ...run.victories, ...run.faults, ...run.violations].sort((a, b) => a.order - b.order);
    this.list(story.length > StoryMost ? `Story (the last ${StoryMost} of ${story.length})` : 'Story', story.slice(-StoryMost), 'Nothing but routine.');
  }

  add(tag, text, className = '', parent = this.element) {
    const element = document.createElement(tag);
    element.textContent = text;
    if (className) element.className = className;
    return parent.appendChild(element);
  }

  fields(rows) {
    const table = this.add('dl', '');
    for (const [name, value, changed] of rows) {
      this.add('dt', name, '', table);
      this.add('dd', value, changed ? 'changed' : '', table);
    }
  }

  // `at` is when these mattered here, where that is not when they began.
  list(title, items, otherwise, at) {
    if (!items.length && !otherwise) return;
    this.add('h3', title);
    if (!items.length) this.add('p', otherwise, 'nothing');
    const list = this.add('ol', '', 'events');
    for (const item of items) {
      const button = this.add('button', '', `event ${item.family ?? item.type}`, this.add('li', '', '', list));
      this.add('span', this.signOf(item), `mark role-${item.type === 'state' ? Roles[item.role].toLowerCase() : item.type}`, button);
      this.add('span', this.run.titleOf(item), 'what', button);
      this.add('time', clock(at ?? item.at), '', button);
      button.type = 'button';
      button.addEventListener('click', () => this.choose(item));
    }
  }

  signOf(item) {
    return { message: '→', state: RoleLetters[item.role], fault: '◆', down: '✕', up: '▲', violation: '⚑', lane: '┬' }[item.type] ?? '●';
  }
}

// "term 3, index 12" reads better as a table; anything else stays the text that it is.
function fieldsOf(detail) {
  if (!detail) return [];
  const parts = detail.split(/,\s+|;\s+/);
  const pairs = parts.map(part => part.match(/^([A-Za-z][A-Za-z ]*?)(?:[=:] ?| )(\S+)$/));
  return pairs.some(Boolean) ? pairs.map((pair, place) => (pair ? [pair[1], pair[2]] : ['', parts[place]])) : [['detail', detail]];
}
