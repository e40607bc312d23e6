// On the results pages: one player at a time, and one takes over where another of its table was.
document.addEventListener(
  "play",
  ({ target: chosen }) => {
    for (const other of document.querySelectorAll("audio")) {
      if (other === chosen || other.paused) continue;
      if (other.closest("table") === chosen.closest("table")) chosen.currentTime = other.currentTime;
      other.pause();
    }
  },
  true, // play does not bubble
);
