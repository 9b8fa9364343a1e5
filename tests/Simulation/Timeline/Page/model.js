'use strict';
// The recorded run as things that can be drawn, clicked and found. The only reader of the recorder's JSON.

const Roles = ['Follower', 'PreCandidate', 'Candidate', 'Leader'];
const RoleLetters = ['F', 'P', 'C', 'L'];
const World = -1;

// Families of messages share a colour: what a learner tells apart first. The names are those of MessageKind.
function familyOf(kind) {
  if (/vote/i.test(kind)) return 'vote';
  if (/append/i.test(kind)) return 'append';
  if (/heartbeat/i.test(kind)) return 'heartbeat';
  if (/snapshot/i.test(kind)) return 'snapshot';
  return 'other';
}

// Every item has: type, at, order (its place in the recording), member (a lane, or World).
// A message also has: to, kind, detail, arrivals [{at, order}], losses [{at, order, why}], end (when it was last seen).
class Run {
  constructor(json) {
    this.seed = json.seed;
    this.description = json.description;
    this.members = json.members;
    this.items = [];
    this.messages = [];
    this.states = json.members.map(() => []);
    this.deliveries = json.members.map(() => []);
    this.elections = [];
    this.victories = [];
    this.faults = [];
    this.violations = [];
    this.kinds = new Map();
    this.born = json.members.map(() => null);
    this.begin = json.events.length ? json.events[0][1] : 0;
    this.end = this.begin;
    this.read(json.events, json.words);
    this.messages.forEach(message => this.close(message));
    this.items.forEach((item, index) => { item.index = index; });
    // A first start is no news: the lane begins there.
    const starts = item => item.type === 'up' && !item.before?.down;
    this.sides = this.items.filter(item => !['message', 'state', 'lane'].includes(item.type) && !starts(item));
    this.blocks = blocksOf(this.messages);
  }

  read(events, words) {
    const byNumber = new Map();
    const add = item => { this.items.push(item); return item; };
    events.forEach(([letter, at, ...rest], order) => {
      this.end = Math.max(this.end, at);
      switch (letter) {
        case 'n':
          this.born[rest[0]] ??= at;
          add({ type: 'lane', at, order, member: rest[0] });
          break;
        case 'x':
          this.stand(add({ type: 'down', at, order, member: rest[0], text: words[rest[1]] }), { down: true });
          break;
        case 'u':
          this.stand(add({ type: 'up', at, order, member: rest[0], text: 'runs again' }), { down: false, role: 0 });
          break;
        case 's': {
          const kind = words[rest[3]];
          const message = add({
            type: 'message', at, order, number: rest[0], member: rest[1], to: rest[2], kind, detail: words[rest[4]],
            family: familyOf(kind), answer: /response|answer/i.test(kind), arrivals: [], losses: [],
          });
          byNumber.set(message.number, message);
          this.messages.push(message);
          this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
          break;
        }
        case 'd': {
          const message = byNumber.get(rest[0]);
          if (!message) break;
          message.arrivals.push({ at, order });
          this.deliveries[message.to].push({ at, order, message });
          break;
        }
        case 'l':
          byNumber.get(rest[0])?.losses.push({ at, order, why: words[rest[1]] });
          break;
        case 'r': {
          const [member, role, term, base, last, commit, applied] = rest;
          const state = add({ type: 'state', at, order, member });
          this.stand(state, { down: false, role, term, base, last, commit, applied });
          this.noticeElection(state);
          break;
        }
        case 'f':
          this.faults.push(add({ type: 'fault', at, order, member: rest[0], text: words[rest[1]] }));
          break;
        case 'o':
          add({ type: 'note', at, order, member: rest[0], text: words[rest[1]] });
          break;
        case 'v':
          this.violations.push(add({ type: 'violation', at, order, member: rest[0], rule: words[rest[1]], text: words[rest[2]] }));
          break;
        default:
          throw new Error(`an event that this page does not know: ${letter}`);
      }
    });
  }

  // What a member is from this item on: the item itself carries it.
  stand(item, changed) {
    const states = this.states[item.member];
    const before = states.at(-1);
    const nothing = { down: false, role: 0, term: 0, base: 0, last: 0, commit: 0, applied: 0 };
    const { down, role, term, base, last, commit, applied } = before ?? nothing;
    Object.assign(item, { down, role, term, base, last, commit, applied }, changed, { before });
    this.born[item.member] ??= item.at;
    states.push(item);
  }

  noticeElection(state) {
    const before = state.before;
    if (state.role === 2 && (before?.role !== 2 || before.term !== state.term)) this.elections.push(state);
    if (state.role === 3 && (before?.role !== 3 || before.term !== state.term)) this.victories.push(state);
  }

  close(message) {
    message.underWay = message.arrivals.length + message.losses.length === 0;
    message.end = Math.max(message.at, ...message.arrivals.map(one => one.at), ...message.losses.map(one => one.at));
    if (message.underWay) message.end = this.end;
    // One long under way must not be looked at in every window; its stub is short anyway.
    message.drawnUntil = message.underWay ? message.at : message.end;
  }

  nameOf(member) { return member === World ? 'the cluster' : `member ${this.members[member]}`; }

  // The standing of a member at a time, or nothing before its first.
  standing(member, at) {
    const states = this.states[member];
    const after = firstIndex(states, state => state.at > at);
    return after ? states[after - 1] : null;
  }

  // The messages that are on their way somewhere between two times.
  messagesBetween(from, to) {
    const found = [];
    for (let block = 0; block < this.blocks.length && this.blocks[block].first <= to; block++) {
      if (this.blocks[block].last < from) continue;
      const end = Math.min((block + 1) * BlockSize, this.messages.length);
      for (let index = block * BlockSize; index < end; index++) {
        const message = this.messages[index];
        if (message.at <= to && message.drawnUntil >= from) found.push(message);
      }
    }
    return found;
  }

  // What the delivery of a message, a timer or a fault brought about at one member: all until something else reaches it.
  consequences(member, at, order, most = 12) {
    const found = [];
    const deliveries = this.deliveries[member] ?? [];
    const other = deliveries[firstIndex(deliveries, one => one.order > order)];
    for (let index = firstIndex(this.items, item => item.order > order); index < this.items.length; index++) {
      const item = this.items[index];
      if (item.at > at + 50 || (other && item.order > other.order) || found.length === most) break;
      if (item.member === member) found.push(item);
    }
    return found;
  }

  // The delivery in the same millisecond that an item at a member follows from, if any.
  causeOf(item) {
    if (item.member === World) return null;
    const deliveries = this.deliveries[item.member];
    const cause = deliveries[firstIndex(deliveries, one => one.order > item.order) - 1];
    return cause && cause.at === item.at ? cause.message : null;
  }

  titleOf(item) {
    switch (item.type) {
      case 'message': return `${item.kind} ${this.members[item.member]} → ${this.members[item.to]}`;
      case 'state': return `${this.nameOf(item.member)} ${changeOf(item)}`;
      case 'lane': return `${this.nameOf(item.member)} appears`;
      case 'down': return `${this.nameOf(item.member)} down: ${item.text}`;
      case 'up': return `${this.nameOf(item.member)} runs again`;
      case 'violation': return `violation: ${item.rule}`;
      default: return item.text;
    }
  }

  // All that a search looks at, in lower case.
  textOf(item) {
    const losses = item.losses?.map(loss => `lost ${loss.why}`).join(' ') ?? '';
    const state = item.type === 'state' ? `${Roles[item.role]} term ${item.term} log ${item.last} commit ${item.commit}` : '';
    const to = item.to === undefined ? '' : this.nameOf(item.to);
    return `${item.type} ${this.nameOf(item.member)} ${to} ${this.titleOf(item)} ${item.detail ?? ''} ${item.text ?? ''} ${state} ${losses}`
      .toLowerCase();
  }
}

function changeOf(state) {
  const before = state.before;
  if (!before || before.role !== state.role || before.down) return `is ${Roles[state.role]} in term ${state.term}`;
  if (before.term !== state.term) return `moves to term ${state.term}`;
  if (before.base !== state.base) return `has a snapshot up to ${state.base}`;
  if (state.last < before.last) return `truncates its log from ${before.last} to ${state.last}`;
  if (before.last !== state.last) return `log ${before.last} → ${state.last}`;
  if (before.commit !== state.commit) return `commit ${before.commit} → ${state.commit}`;
  return `applied ${before.applied} → ${state.applied}`;
}

// Messages stand in the order of sending. Of each block it is known when the last of it ends.
const BlockSize = 256;
function blocksOf(messages) {
  const blocks = [];
  for (let start = 0; start < messages.length; start += BlockSize) {
    const block = messages.slice(start, start + BlockSize);
    blocks.push({ first: block[0].at, last: block.reduce((last, message) => Math.max(last, message.drawnUntil), 0) });
  }
  return blocks;
}

// The first position of a sorted array for which the test holds (its length when none): binary search.
function firstIndex(sorted, test) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(sorted[middle])) high = middle; else low = middle + 1;
  }
  return low;
}
