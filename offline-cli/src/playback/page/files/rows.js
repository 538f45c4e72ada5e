// A long list of which only what is near the view is in the document: pieces of rows that are filled when they come near, and emptied when they are gone.

const ROWS = 25; // of a piece
const NEAR = "800px";

const list = document.getElementById("assets");
const pieces = new Map(); // element -> ids of its rows
let height = 105; // of a row, as long as none has been seen
let order = []; // ids of all rows
let rowOf = () => null;
let gone = () => {};

// Sets who makes the element of a row, and who is told that it is no longer shown.
export function bind(make, forget) {
  rowOf = make;
  gone = forget;
}

const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    const piece = pieces.get(target);
    if (!piece) {
      continue; // Of a list that is no longer shown.
    }
    if (isIntersecting) {
      fill(target, piece);
    } else if (target.firstChild && !target.contains(document.activeElement)) {
      // It keeps its place. What has the focus keeps it, too.
      target.style.height = `${boundingClientRect.height}px`;
      piece.ids.forEach(gone);
      target.replaceChildren();
    }
  }
}, { rootMargin: NEAR });

function fill(element, piece) {
  if (element.firstChild) {
    return;
  }
  const rows = piece.ids.map(rowOf);
  rows.forEach((row, index) => {
    row.setAttribute("aria-setsize", order.length);
    row.setAttribute("aria-posinset", piece.first + index + 1);
  });
  element.replaceChildren(...rows);
  element.style.height = "";
}

// Shows the rows of these ids in this order. Who has the focus keeps it, if it is still there.
export function show(ids) {
  if (ids.length === order.length && ids.every((id, index) => id === order[index])) {
    for (const [element, piece] of pieces) {
      if (element.firstChild) {
        piece.ids.forEach(rowOf);
      }
    }
    return;
  }
  const focused = document.activeElement?.closest?.("#assets li");
  const which = focused && [...focused.querySelectorAll("button")].indexOf(document.activeElement);
  near.disconnect();
  pieces.forEach((piece) => piece.ids.forEach(gone));
  pieces.clear();
  order = ids;
  const seen = list.querySelector("li")?.offsetHeight;
  height = seen > 0 ? seen : height;
  for (let first = 0; first < ids.length; first += ROWS) {
    const element = document.createElement("ul");
    element.setAttribute("role", "presentation");
    const piece = { first, ids: ids.slice(first, first + ROWS) };
    element.style.height = `${piece.ids.length * height}px`;
    pieces.set(element, piece);
  }
  list.replaceChildren(...pieces.keys());
  for (const [element, piece] of pieces) {
    const holds = focused && piece.ids.includes(focused.dataset.id);
    if (piece.first === 0 || holds) {
      fill(element, piece); // What is seen at once does not wait for the observer.
    }
    if (holds) {
      rowOf(focused.dataset.id).querySelectorAll("button")[which]?.focus({ preventScroll: true });
    }
    near.observe(element);
  }
}
