// What scrolls in its own box can be scrolled by the keyboard, and the search says what it is.
addEventListener("load", () => setTimeout(() => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search")
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset__table, .md-typeset table")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0
  }
}))
