// Free text over all events. Every word must occur; what is filtered away is not found.

class Search {
  constructor(run, view) {
    Object.assign(this, { run, view });
    this.matches = [];
    this.place = -1;
  }

  // The texts are made when somebody searches first, not when the page opens.
  texts() { return (this.known ??= this.run.items.map(item => this.run.textOf(item))); }

  find(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const texts = words.length ? this.texts() : [];
    this.matches = words.length
      ? this.run.items.filter((item, index) => this.view.shows(item) && words.every(word => texts[index].includes(word)))
      : [];
    this.place = -1;
    this.view.found = new Set(this.matches);
    return this.matches.length;
  }

  // The next match after where one looks, or the one before it; at the end it begins anew.
  step(order, direction) {
    if (!this.matches.length) return null;
    const after = firstIndex(this.matches, item => item.order > order);
    const before = firstIndex(this.matches, item => item.order >= order) - 1;
    const count = this.matches.length;
    this.place = direction > 0 ? after % count : (before + count) % count;
    return this.matches[this.place];
  }
}
