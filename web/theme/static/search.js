// A hit leads to the section of a page that has the words, and says which it is; Sphinx alone leads to
// the top. It calls this with a page that it has fetched, and puts what comes back below the hit.
"use strict";

const excerpt = Search.makeSearchSummary;
Search.makeSearchSummary = (html, words, anchor) => {
  const section = anchor ? null : sectionWith(html, words);
  const summary = excerpt(html, words, section ? `#${CSS.escape(section.id)}` : anchor);
  if (section) queueMicrotask(() => leadTo(section, summary.parentElement.querySelector("a")));
  return summary;
};

// The first section within the page's own that has the most of the words; none if no section has any.
function sectionWith(html, words) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const has = (section) => {
    for (const other of section.querySelectorAll("section, script, style")) other.remove();
    const text = section.textContent.toLowerCase();
    return [...words].filter((word) => text.includes(word)).length;
  };
  // From the last to the first, so that what is in a section is counted before it is taken out of it.
  const counted = [...page.querySelectorAll("main section section[id]")].reverse().map((section) =>
    ({ id: section.id, title: section.querySelector("h2, h3, h4"), count: has(section) }));
  const most = Math.max(0, ...counted.map(({ count }) => count));
  return most ? counted.findLast(({ count }) => count === most) : null;
}

function leadTo({ id, title }, link) {
  link.setAttribute("href", `${link.getAttribute("href")}#${encodeURIComponent(id)}`);
  link.append(` › ${title.firstChild.textContent.trim()}`);
}
