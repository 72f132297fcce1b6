// Keys that act: not while somebody writes; and what has the focus keeps its own Space, Enter and arrows.

const WRITES = "textarea, select, input:not([type='checkbox'])";
const OWN = "button, a, input, summary, video, [role='slider']";
const owns = (key) => key === " " || key === "Enter" || key.startsWith("Arrow");

export function keys(acts) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest(WRITES)) return;
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (!act || (owns(event.key) && event.target.closest(OWN))) return;
    event.preventDefault();
    act();
  });
}

// Escape in a form that was opened gives it up.
export function escapes(form, act) {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    act();
  });
}
