# SPDX-License-Identifier: Apache-2.0
"""What can be computed of a page's accessibility: findings(page) is a list of sentences, empty when
nothing is wrong. After WCAG 2.2: names of controls (4.1.2), headings and landmarks (1.3.1, 2.4.6),
tables (1.3.1), contrast of text (1.4.3) and of controls' edges (1.4.11), reflow (1.4.10), size of
targets (2.5.8), and that ids are unique.
"""

CHECK = r"""
const findings = [];
const shown = (e) => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})
    && !e.closest('.unseen') && e.getClientRects().length > 0;
const where = (e) => `<${e.localName}${e.id ? '#' + e.id : ''}${e.className ? '.' + e.className : ''}> `
    + `"${e.textContent.trim().slice(0, 40)}"`;

// ---- structure
for (const [selector, what] of [['main', 'main'], ['body > header', 'header'], ['nav', 'navigation']])
    if (document.querySelectorAll(selector).length < 1)
        findings.push(`there is no ${what}`);
if (document.querySelectorAll('main').length > 1)
    findings.push('there is more than one main');
if (!document.documentElement.lang || !document.title)
    findings.push('the page has no language or no title');
const headings = [...document.querySelectorAll('h1, h2, h3, h4')].filter(shown);
if (headings.filter((e) => e.localName === 'h1').length !== 1)
    findings.push('there is not exactly one h1');
let level = 0;
for (const e of headings) {
    const own = Number(e.localName[1]);
    if (own > level + 1)
        findings.push(`a heading skips a level: ${where(e)}`);
    if (!e.textContent.trim())
        findings.push('a heading is empty');
    level = own;
}
const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i)))
    findings.push(`the id ${id} is there twice`);
for (const attribute of ['aria-labelledby', 'aria-describedby', 'for'])
    for (const e of document.querySelectorAll(`[${attribute}]`))
        for (const id of e.getAttribute(attribute).split(' '))
            if (!document.getElementById(id))
                findings.push(`${attribute} of ${where(e)} points nowhere`);
for (const table of document.querySelectorAll('table')) {
    if (!table.caption?.textContent)
        findings.push(`a table has no caption: ${where(table)}`);
    for (const e of table.querySelectorAll('th'))
        if (!e.scope)
            findings.push(`a head cell has no scope: ${where(e)}`);
}
for (const e of document.querySelectorAll('img'))
    if (!e.hasAttribute('alt'))
        findings.push('an image has no alt');
for (const e of document.querySelectorAll('canvas'))
    if (shown(e) && (e.getAttribute('role') !== 'img' || !e.getAttribute('aria-label')))
        findings.push(`a plot says nothing: ${where(e)}`);
for (const e of document.querySelectorAll('[tabindex]'))
    if (Number(e.tabIndex) > 0)
        findings.push(`a tabindex above 0 bends the order: ${where(e)}`);
if (!document.querySelector('[aria-live], [role=status]'))
    findings.push('changes are announced nowhere');

// ---- reflow and targets
if (document.documentElement.scrollWidth > document.documentElement.clientWidth + 1)
    findings.push(`the page is wider than the window: ${document.documentElement.scrollWidth}`);
for (const e of document.querySelectorAll('button, input, summary')) {
    const box = e.getBoundingClientRect();
    const label = e.labels?.[0]?.getBoundingClientRect();
    if (shown(e) && !e.matches('.skip') && Math.max(box.height, label?.height ?? 0) < 24)
        findings.push(`a target is ${box.height} high: ${where(e)}`);
}

// ---- contrast
const parse = (text) => {
    const canvas = parse.canvas ??= new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
};
const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3])).concat(1);
const ground = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) {
        const colour = parse(getComputedStyle(e).backgroundColor);
        layers.push(colour);
        if (colour[3] === 1)
            break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
};
const light = (c) => {
    const [r, g, b] = c.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
};
const seen = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !shown(e) || seen.has(e))
        continue;
    seen.add(e);
    const style = getComputedStyle(e);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const below = ground(e);
    const found = contrast(over(parse(style.color), below), below);
    if (found < (isLarge ? 3 : 4.5))
        findings.push(`contrast of text ${found.toFixed(2)}: ${where(e)}`);
}
for (const e of document.querySelectorAll('button, input')) {
    const style = getComputedStyle(e);
    if (!shown(e) || e.disabled || parseFloat(style.borderTopWidth) === 0 || /radio|checkbox/.test(e.type))
        continue;
    const found = contrast(parse(style.borderTopColor), ground(e.parentElement));
    if (found < 3)
        findings.push(`contrast of an edge ${found.toFixed(2)}: ${where(e)}`);
}
return {findings, texts: seen.size};
"""


NAMED = ("button", "a", "input", "summary", "[role=img]", "[role=region]")


def findings(page):
    result = page.script(CHECK)
    found = list(result["findings"])
    if result["texts"] < 10:
        found.append(f"only {result['texts']} texts were looked at")
    # What is behind a modal dialog is inert, and has no names.
    scope = "dialog" if page.all("dialog") else "body"
    for each in page.all(", ".join(f"{scope} {kind}" for kind in NAMED)):
        if each.is_displayed() and not each.accessible_name.strip():
            found.append(f"has no name: {each.get_attribute('outerHTML')[:120]}")
    return found
