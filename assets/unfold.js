/* A link to something that is folded opens what it is folded under. */
(() => {
  const unfold = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let opened = false;
    for (let e = target?.closest("details:not([open])"); e; e = e.parentElement.closest("details:not([open])"))
      opened = e.open = true;
    if (opened) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
