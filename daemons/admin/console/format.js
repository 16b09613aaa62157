// SPDX-License-Identifier: Apache-2.0
// Numbers, times and bytes as people read them. Nothing here touches the document.

const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const tenths = new Intl.NumberFormat('en', {maximumFractionDigits: 1});
const three = new Intl.NumberFormat('en', {maximumSignificantDigits: 3});

export function count(value) {
    return Number.isInteger(value) ? whole.format(value) : three.format(value);
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
export function bytes(value) {
    let unit = 0;
    for (; Math.abs(value) >= 1024 && unit + 1 < byteUnits.length; ++unit)
        value /= 1024;
    return `${unit === 0 ? whole.format(value) : tenths.format(value)} ${byteUnits[unit]}`;
}

export function seconds(value) {
    if (value === 0)
        return '0 s';
    if (value < 1e-3)
        return `${three.format(value * 1e6)} µs`;
    if (value < 1)
        return `${three.format(value * 1e3)} ms`;
    if (value < 60)
        return `${tenths.format(value)} s`;
    const minutes = Math.floor(value / 60);
    if (minutes < 60)
        return `${minutes} min ${Math.floor(value % 60)} s`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? `${hours} h ${minutes % 60} min`
                      : `${whole.format(Math.floor(hours / 24))} d ${hours % 24} h`;
}

// 12.3/s, 4.5 MiB/s; null: not known yet.
export function rate(value, unit) {
    if (value === null || value === undefined)
        return '–';
    if (unit === 'bytes')
        return `${bytes(value)}/s`;
    return `${value >= 100 ? whole.format(value) : tenths.format(value)}/s`;
}

// A value of a column of the snapshot.
export function amount(value, unit) {
    if (value === null || value === undefined || Number.isNaN(value))
        return '–';
    switch (unit) {
    case 'bytes': return bytes(value);
    case 'seconds': return seconds(value);
    case 'flag': return value ? 'yes' : 'no';
    default: return count(value);
    }
}

export function clock(ms) {
    return new Date(ms).toLocaleTimeString('en-GB');
}

export function moment(ms) {
    const at = new Date(ms);
    const two = (n) => String(n).padStart(2, '0');
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(ms)}`;
}

// "lease_expired" -> "Lease expired"
export function label(name) {
    const words = name.replaceAll('_', ' ');
    return words.charAt(0).toUpperCase() + words.slice(1);
}

export function plural(kind) {
    return /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

export function messages(n) {
    return `${count(n)} ${n === 1 ? 'message' : 'messages'}`;
}

// Text of a stranger in which nothing hides: controls, zero-width and direction-changing characters
// are written out.
const hidden = new RegExp('[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c'
    + '\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]', 'g');
export function visible(text) {
    return String(text).replace(
        hidden, (c) => `\\u{${c.codePointAt(0).toString(16).padStart(2, '0')}}`);
}

// The middle of a long name gives way.
export function short(text, max = 60) {
    return text.length <= max ? text : `${text.slice(0, max - 20)}…${text.slice(-19)}`;
}

export function fromBase64(text) {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

// offset, 16 bytes, and these as text: a line each.
export function hexDump(data, from = 0, end = data.length) {
    const lines = [];
    for (let at = from; at < end; at += 16) {
        const row = Array.from(data.subarray(at, Math.min(at + 16, end)));
        const hex = row.map((b) => b.toString(16).padStart(2, '0'));
        const text = row.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '.'));
        const offset = at.toString(16).padStart(6, '0');
        lines.push(`${offset}  ${hex.join(' ').padEnd(47)}  ${text.join('')}`);
    }
    return lines.join('\n');
}
