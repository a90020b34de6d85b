/* A page that is opened from disk may not read its neighbours: the search shows its results without excerpts. */
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
