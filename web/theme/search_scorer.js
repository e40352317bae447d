// How the search orders what it finds: as Sphinx does, with the chapters before the library, and with
// the name of what a number leads to.
var Scorer = {
  score: (result) => {
    const [docname, title, anchor, , score] = result;
    const [, kind, chapter, number] = anchor.match(/^#(eq|fig|alg)-(\d+)-(\w+)$/) || [];
    if (kind) {
      const names = { eq: "Equation", fig: "Figure", alg: "Algorithm" };
      result[1] = `${names[kind]} ${chapter}.${number}`;
      result[3] = title;
    }
    const places = {
      "chapters/": 3, "reference/glossary": 3, "reference/by_number/": 1, "reference/api/": -20,
      "_modules/": -30,
    };
    const place = Object.keys(places).find((name) => docname.startsWith(name));
    return score + (places[place] || 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
