// Medians, ratios, and the table that people read.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// The median of the rounds' ratios: a round's members ran within seconds of each other, so what
// slowed the machine then slowed both.
export function ratio(above, below, field) {
  return median(above.map((round, i) => round[field] / below[i][field]));
}

export class Report {
  rows = [];
  runs = [];
  notes = [];

  // One line with a target. holds: whether the target is met.
  judge(name, value, target, holds) {
    this.rows.push({ name, value, target, verdict: holds ? 'pass' : 'MISS' });
  }

  unmeasured(name, target, why) {
    this.rows.push({ name, value: 'not measured', target, verdict: 'MISS' });
    this.note(`${name}: ${why}`);
  }

  // One contestant's rounds, without a target.
  run(group, name, rounds) {
    const of = (field) => median(rounds.map((r) => r[field]));
    const speeds = rounds.map((r) => r.per_second);
    this.runs.push({
      group,
      name,
      'requests/s': Math.round(of('per_second')),
      'worst-best': `${Math.round(Math.min(...speeds))}-${Math.round(Math.max(...speeds))}`,
      'CPU µs/request': rounds[0].cpu_us === undefined ? '-' : of('cpu_us').toFixed(2),
      'core busy': rounds[0].busy === undefined ? '-' : `${Math.round(of('busy') * 100)} %`,
      'p50 ms': (of('p50_us') / 1000).toFixed(3),
      'p99 ms': (of('p99_us') / 1000).toFixed(3),
      'max ms': (Math.max(...rounds.map((r) => r.max_us)) / 1000).toFixed(1),
    });
  }

  note(text) {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  get good() {
    return this.rows.every((r) => r.verdict === 'pass');
  }

  text(machine, how) {
    const lines = ['# What was measured', '', how, ''];
    lines.push(...table(this.rows), '', '## The runs', '');
    lines.push(...table(this.runs), '');
    if (this.notes.length) lines.push('## Notes', '', ...this.notes.map((n) => `- ${n}`), '');
    lines.push('## The machine', '');
    lines.push(...table(Object.entries(machine).map(([what, value]) => ({ what, value }))), '');
    return lines.join('\n');
  }

  // What count.mjs gave, written by hand into the file, stays at its end.
  write(path, machine, how) {
    const text = this.text(machine, how);
    const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const counted = before.indexOf('## Counted');
    writeFileSync(path, counted < 0 ? text : `${text}\n${before.slice(counted)}`);
    return text;
  }
}

function table(rows) {
  if (rows.length === 0) return ['(nothing)'];
  const keys = Object.keys(rows[0]);
  const cells = [keys, ...rows.map((r) => keys.map((k) => String(r[k])))];
  const widths = keys.map((_, i) => Math.max(...cells.map((c) => c[i].length)));
  const line = (c) => `| ${c.map((text, i) => text.padEnd(widths[i])).join(' | ')} |`;
  return [
    line(cells[0]),
    `|${widths.map((w) => '-'.repeat(w + 2)).join('|')}|`,
    ...cells.slice(1).map(line),
  ];
}
