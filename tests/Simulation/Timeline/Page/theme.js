// Colours live in the style sheet, for light and dark; the canvas reads them from there.

class Theme {
  constructor() {
    this.choice = null;
    this.system = matchMedia('(prefers-color-scheme: dark)');
    this.read();
  }

  get dark() { return this.choice ? this.choice === 'dark' : this.system.matches; }

  toggle() {
    this.choice = this.dark ? 'light' : 'dark';
    document.documentElement.dataset.scheme = this.choice;
    this.read();
  }

  read() {
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(`--${name}`).trim();
    this.paper = colour('paper');
    this.panel = colour('panel');
    this.ink = colour('ink');
    this.quiet = colour('quiet');
    this.hair = colour('hair');
    this.chosen = colour('chosen');
    this.found = colour('found');
    this.fault = colour('fault');
    this.note = colour('note');
    this.violation = colour('violation');
    this.down = colour('down');
    this.kept = colour('kept');
    this.committed = colour('committed');
    this.uncommitted = colour('uncommitted');
    this.roles = ['follower', 'precandidate', 'candidate', 'leader'].map(colour);
    this.letters = ['on-follower', 'on-precandidate', 'on-candidate', 'on-leader'].map(colour);
    this.families = Object.fromEntries(['vote', 'append', 'heartbeat', 'snapshot', 'other'].map(name => [name, colour(name)]));
    this.terms = [0, 1, 2, 3, 4, 5].map(number => colour(`term-${number}`));
  }

  term(term) { return term === 0 ? this.hair : this.terms[term % this.terms.length]; }
}
