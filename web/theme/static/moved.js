// On a page that has moved: go on to where it is now, to the same place on it.
const link = document.querySelector("a");
const { from, to } = link.dataset; // the numbers of a section that is called otherwise today
const place = from ? location.hash.replace(from, to) : location.hash;
location.replace(link.href + location.search + place);
