// The messages in view: arrows from lane to lane. What is lost ends in a cross, what is under way when the run ends in a ring.

Object.assign(Drawing.prototype, {
  drawMessages() {
    const { messages } = this;
    const batches = new Map();
    for (const message of messages) {
      for (const flight of this.flightsOf(message)) {
        const key = `${message.family} ${flight.arrives}`;
        if (!batches.has(key)) batches.set(key, []);
        batches.get(key).push(flight);
        this.shapes.push({ item: message, ...flight });
        this.shown[flight.arrives ? 'arrows' : 'lost']++;
      }
    }
    for (const flights of batches.values()) this.drawFlights(flights);
  },

  flightsOf(message) {
    const from = this.lanes[message.member], to = this.lanes[message.to];
    const right = to > from;
    const x1 = from + (right ? BarHalf + 2 : -BarHalf - StripeWidth - 3);
    const x2 = to + (right ? -BarHalf - StripeWidth - 3 : BarHalf + 2);
    const y1 = this.y(message.at);
    const flight = (arrives, part, y2) => ({ message, arrives, x1, y1, x2: x1 + (x2 - x1) * part, y2 });
    const flights = message.arrivals.map(arrival => flight(true, 1, this.y(arrival.at)));
    for (const loss of message.losses) flights.push(flight(false, loss.at === message.at ? 0.35 : 0.8, this.y(loss.at)));
    if (message.underWay) flights.push(flight(false, 0.3, y1 + 10));
    return flights;
  },

  drawFlights(flights) {
    const { context, theme } = this;
    const { message: { family }, arrives } = flights[0];
    context.strokeStyle = context.fillStyle = theme.families[family];
    context.lineWidth = family === 'heartbeat' ? 1 : 1.5;
    context.globalAlpha = this.dense ? Math.max(0.02, Math.min(0.3, 60 / flights.length)) : 0.9;
    context.setLineDash(arrives ? [] : [4, 3]);
    context.beginPath();
    for (const flight of flights) {
      context.moveTo(flight.x1, flight.y1);
      context.lineTo(flight.x2, flight.y2);
    }
    context.stroke();
    context.setLineDash([]);
    if (!this.dense) flights.forEach(flight => this.drawTip(flight));
    context.globalAlpha = 1;
  },

  drawTip({ message, arrives, x1, y1, x2, y2 }) {
    const { context } = this;
    if (!arrives) {
      context.beginPath();
      if (message.underWay) {
        context.arc(x2, y2, 3, 0, Math.PI * 2);
      } else {
        for (const side of [-4, 4]) {
          context.moveTo(x2 - 4, y2 - side);
          context.lineTo(x2 + 4, y2 + side);
        }
      }
      context.lineWidth = 1.8;
      context.stroke();
      return;
    }
    const angle = Math.atan2(y2 - y1, x2 - x1), size = 7;
    context.beginPath();
    context.moveTo(x2 - size * Math.cos(angle - 0.4), y2 - size * Math.sin(angle - 0.4));
    context.lineTo(x2, y2);
    context.lineTo(x2 - size * Math.cos(angle + 0.4), y2 - size * Math.sin(angle + 0.4));
    // An answer has an open head.
    if (message.answer) context.stroke(); else context.fill();
  },

  // The kinds, along the arrows, where other words leave room: what came first is named first.
  drawNames() {
    const { context, theme } = this;
    const taken = this.labels.map(({ x, y, width, height }) => ({ left: x, right: x + width, top: y, bottom: y + height }));
    this.font(10);
    for (const { item, rect, x1, y1, x2, y2 } of this.shapes) {
      if (rect) continue;
      const text = item.kind.replace(/Request$/, '').replace(/Response$/, ' reply');
      const width = context.measureText(text).width;
      if (Math.hypot(x2 - x1, y2 - y1) < width + 70 || Math.abs(y2 - y1) > Math.abs(x2 - x1)) continue;
      // Not in the middle: there the arrows of a round of answers cross.
      const x = x1 + (x2 - x1) * 0.36, y = y1 + (y2 - y1) * 0.36;
      const box = { left: x - width / 2 - 5, right: x + width / 2 + 5, top: y - 8, bottom: y + 8 };
      const crowded = taken.some(other => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom);
      if (crowded || this.overLane(box)) continue;
      taken.push(box);
      context.save();
      context.translate(x, y);
      context.rotate(Math.atan((y2 - y1) / (x2 - x1)));
      this.label(text, 0, 0, theme.families[item.family], 'center');
      context.restore();
    }
  },

  overLane(box) {
    return this.lanes.some(x => box.left < x + LabelsFrom && x - BarHalf - StripeWidth - 4 < box.right);
  },
});
