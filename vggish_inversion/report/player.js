"use strict";
// Switches between an utterance's clips and keeps the place in time. Without it, the players work alone.
(() => {
  const MAX_PLAYERS_ON_TOUCH = 32; // mobile browsers refuse to open many more
  const KEYS = "1234567890";
  const status = document.getElementById("now");
  const shortcuts = document.getElementById("shortcuts");
  const strip = [...document.querySelectorAll(".switches [data-switch]")];

  // Each utterance holds its clips by position; `current` is the one that was heard last.
  const utterances = [...document.querySelectorAll(".utterance")]
    .map((section) => {
      const takes = [...section.querySelectorAll(".take")].filter((take) => take.querySelector("audio"));
      const clips = takes.map((take) => ({
        position: Number(take.dataset.position),
        audio: take.querySelector("audio"),
        button: take.querySelector("[data-switch]"),
        picture: take.querySelector(".picture"),
        take,
      }));
      return { section, clips, current: null };
    })
    .filter((utterance) => utterance.clips.length > 0);
  let active = null;

  const placeOf = (utterance) => {
    const audio = utterance.current?.audio;
    return !audio || audio.ended ? 0 : audio.currentTime;
  };

  const drawPlayheads = (utterance) => {
    const place = placeOf(utterance);
    for (const { picture, audio } of utterance.clips) {
      const share = Math.min(place / Number(audio.dataset.seconds), 1);
      picture?.style.setProperty("--place", share.toFixed(4));
    }
  };

  const follow = () => {
    if (!active?.current) return;
    drawPlayheads(active);
    if (!active.current.audio.paused) requestAnimationFrame(follow);
  };

  const select = (utterance, clip) => {
    active = utterance;
    utterance.current = clip;
    for (const other of utterances) {
      for (const { take, button } of other.clips) {
        const chosen = other.current?.take === take;
        take.classList.toggle("current", chosen);
        button?.setAttribute("aria-pressed", String(chosen));
      }
      other.section.classList.toggle("active", other === utterance);
    }
    for (const button of strip) {
      const chosen = Number(button.dataset.switch) === clip.position;
      button.setAttribute("aria-pressed", String(chosen));
      if (chosen) {
        const bar = button.parentElement;
        bar.scrollLeft = button.offsetLeft - (bar.clientWidth - button.offsetWidth) / 2;
      }
    }
    drawPlayheads(utterance);
  };

  const play = (clip) =>
    clip.audio.play().catch((error) => {
      if (error.name === "AbortError") return; // paused before it began
      status.textContent = `Could not play: ${error.message}`;
      status.className = "toast";
    });

  const switchTo = (utterance, clip) => {
    const before = utterance.current;
    if (before === clip && !clip.audio.paused) {
      clip.audio.pause();
      return;
    }
    if (before !== clip) {
      const place = placeOf(utterance);
      before?.audio.pause();
      // Before its length is known, a player takes this as the place to start from.
      if (before) clip.audio.currentTime = Math.min(place, Number(clip.audio.dataset.seconds));
      select(utterance, clip);
      status.className = "spoken";
      status.textContent = clip.audio.getAttribute("aria-label");
    }
    play(clip);
  };

  // The utterance meant by a key or the bar: the one in focus, the last heard, or the one in view.
  const meant = () => {
    const focused = utterances.find(({ section }) => section.contains(document.activeElement));
    if (focused) return focused;
    if (active && !active.current.audio.paused) return active;
    const middle = window.innerHeight / 2;
    const distance = ({ section }) => {
      const { top, bottom } = section.getBoundingClientRect();
      return Math.max(top - middle, middle - bottom, 0);
    };
    return utterances.reduce((best, next) => (distance(next) < distance(best) ? next : best), utterances[0]);
  };

  const switchToPosition = (utterance, position) => {
    const clip = utterance?.clips.find((candidate) => candidate.position === position);
    if (clip) switchTo(utterance, clip);
  };

  const step = (utterance, by) => {
    if (!utterance) return;
    const { clips, current } = utterance;
    const index = current ? clips.indexOf(current) + by : 0;
    if (clips[index]) switchTo(utterance, clips[index]);
  };

  for (const button of strip) {
    button.addEventListener("click", () => switchToPosition(meant(), Number(button.dataset.switch)));
  }

  const numClips = utterances.reduce((sum, { clips }) => sum + clips.length, 0);
  const isTouch = matchMedia("(pointer: coarse)").matches;
  for (const utterance of utterances) {
    for (const clip of utterance.clips) {
      const { audio, button, picture } = clip;
      if (!isTouch || numClips <= MAX_PLAYERS_ON_TOUCH) audio.preload = "metadata";
      button?.addEventListener("click", () => switchTo(utterance, clip));
      audio.addEventListener("play", () => {
        for (const other of utterances.flatMap(({ clips }) => clips)) {
          if (other !== clip) other.audio.pause();
        }
        if (active !== utterance || utterance.current !== clip) select(utterance, clip);
        requestAnimationFrame(follow);
      });
      for (const event of ["seeked", "pause", "ended"]) {
        audio.addEventListener(event, () => utterance.current === clip && drawPlayheads(utterance));
      }
      picture?.addEventListener("click", (event) => {
        const { left, width } = picture.getBoundingClientRect();
        const place = ((event.clientX - left) / width) * Number(audio.dataset.seconds);
        if (utterance.current !== clip) {
          const wasPlaying = utterance.current && !utterance.current.audio.paused;
          utterance.current?.audio.pause();
          select(utterance, clip);
          if (wasPlaying) play(clip);
        }
        audio.currentTime = place;
        drawPlayheads(utterance);
      });
    }
  }

  document.addEventListener("keydown", (event) => {
    if (!shortcuts.checked || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    const position = KEYS.indexOf(event.key);
    if (position >= 0) switchToPosition(meant(), position);
    else if (event.key === "[") step(meant(), -1);
    else if (event.key === "]") step(meant(), 1);
    else return;
    event.preventDefault();
  });
})();
