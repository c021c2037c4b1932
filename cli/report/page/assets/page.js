// Tables sort by a click on a head.
const value = (row, column) => {
  const c = row.cells[column], v = c && c.dataset.v;
  return v !== undefined ? Number(v) : c ? c.textContent : '';
};
function sort(head) {
  const table = head.closest('table'), body = table.tBodies[0], column = head.cellIndex;
  const up = head.getAttribute('aria-sort') === 'descending';
  const less = (x, y) => typeof x === 'number' ? x - y : x.localeCompare(y);
  const rows = [...body.rows].sort((a, b) => {
    const x = value(a, column), y = value(b, column);
    if (typeof x !== typeof y) return typeof x === 'number' ? -1 : 1; // missing: last
    return up ? less(x, y) : less(y, x);
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  body.append(...rows);
}
for (const head of document.querySelectorAll('table.sort thead th')) {
  head.tabIndex = 0;
  head.addEventListener('click', () => sort(head));
  head.addEventListener('keydown', e => { if (e.key === 'Enter') sort(head); });
}

// What is wider than its place can be scrolled by keys.
function focusable() {
  for (const box of document.querySelectorAll('.scroll, pre'))
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute('tabindex');
}
focusable();
addEventListener('resize', focusable);

// A plot says its values under the pointer.
const tip = document.createElement('div');
tip.id = 'tip';
tip.hidden = true;
document.body.append(tip);
const grouped = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
const number = v => Math.abs(v) >= 1000 ? Math.round(v).toLocaleString('en-US') : grouped.format(v);
const usd = v => '$' + v.toLocaleString('en-US', { minimumFractionDigits: 2,
  maximumFractionDigits: Math.abs(v) >= 0.1 ? 2 : 6 });
function show(panel, axis, v) {
  if (axis.unit === 'usd') return usd(v);
  if (axis.unit === 'share') return (100 * v).toFixed(1) + ' %';
  if (axis.unit !== 'instant') return number(v);
  const at = new Date((panel.epoch_s + v * panel.unit_s) * 1000).toISOString();
  return at.slice(0, 10) + ' ' + at.slice(11, panel.unit_s >= 86400 ? 10 : 16);
}
const share = (a, v) => a.log ? Math.log(v / a.low) / Math.log(a.high / a.low)
  : (v - a.low) / (a.high - a.low);
const at = (a, s) => a.log ? a.low * Math.pow(a.high / a.low, s) : a.low + s * (a.high - a.low);

// The place in a series that belongs to x: of steps the last before it, else the nearest.
function place(s, axis, x) {
  let best = -1, least = Infinity;
  for (let i = 0; i < s.x.length; i++) {
    if (s.x[i] === null || s.y[i] === null) continue;
    if (s.style === 'step') {
      if (s.x[i] <= x) best = i;
      continue;
    }
    const distance = Math.abs(share(axis, s.x[i]) - share(axis, x));
    if (distance < least) { least = distance; best = i; }
  }
  return s.style === 'step' || least < 0.06 ? best : -1;
}
function rows(panel, x, y) {
  const list = [];
  for (const s of panel.series) {
    if (s.style === 'cell') {
      const i = s.x.findIndex((from, k) => from <= x && x < s.x2[k] && s.y[k] <= y && y < s.y2[k]);
      if (i >= 0 && (s.name || s.value)) list.push([s.color, s.name, s.value ? number(s.value[i]) : '']);
      continue;
    }
    const i = place(s, panel.x, x);
    if (i < 0 || (s.style === 'point' && panel.series.some(o => o !== s && o.style === 'line'))) continue;
    list.push([s.color, s.name, s.style === 'band'
      ? show(panel, panel.y, s.y[i]) + ' … ' + show(panel, panel.y, s.y2[i])
      : show(panel, panel.y, s.y[i])]);
  }
  return list;
}
function line(text, color) {
  const row = document.createElement('div');
  if (color) {
    const swatch = document.createElement('i');
    swatch.style.background = color;
    row.append(swatch);
  }
  row.append(text);
  return row;
}
function watch(figure) {
  const svg = figure.querySelector('svg'), source = svg && svg.querySelector('metadata');
  if (!source) return;
  const plot = JSON.parse(source.textContent), cross = document.createElementNS(svg.namespaceURI, 'path');
  cross.setAttribute('class', 'cross');
  svg.append(cross);
  const leave = () => { tip.hidden = true; cross.setAttribute('d', ''); };
  svg.addEventListener('pointerleave', leave);
  svg.addEventListener('pointermove', e => {
    const p = new DOMPoint(e.clientX, e.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const panel = plot.panels.find(o => p.x >= o.box[0] && p.x <= o.box[2] && p.y >= o.box[1] && p.y <= o.box[3]);
    if (!panel) return leave();
    const x = at(panel.x, (p.x - panel.box[0]) / (panel.box[2] - panel.box[0]));
    const y = at(panel.y, (panel.box[3] - p.y) / (panel.box[3] - panel.box[1]));
    const list = rows(panel, x, y);
    if (list.length === 0) return leave();
    tip.replaceChildren(line(panel.x.label + ': ' + show(panel, panel.x, x)));
    for (const [color, name, text] of list) tip.append(line(text ? name + ': ' + text : name, color));
    tip.hidden = false;
    const wide = tip.offsetWidth, high = tip.offsetHeight;
    tip.style.left = Math.max(4, e.clientX + 14 + wide > innerWidth ? e.clientX - wide - 14 : e.clientX + 14) + 'px';
    tip.style.top = Math.max(4, Math.min(e.clientY + 14, innerHeight - high - 4)) + 'px';
    const boxes = plot.share_x ? plot.panels.map(o => o.box) : [panel.box];
    cross.setAttribute('d', boxes.map(b => `M${p.x},${b[1]}V${b[3]}`).join(''));
  });
}
document.querySelectorAll('figure').forEach(watch);
