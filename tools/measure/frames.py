"""Measure the playground in the browser: ``python -m tools.measure.frames``, after ``make book``.

All optimizers race 500 steps anew in every frame while the ρ slider moves. Shown are, in milliseconds, the slider's
event (the race, all drawing, and the layout that follows from it), the time from frame to frame, which a screen that is
drawn 60 times a second keeps at 16.7, a map, and when the page was first painted. Then all optimizers train the
network: shown are what the playground works in a frame while they do (the steps, the power iterations, all drawing and
the layout), the time from frame to frame, and the same while the finished trainings are played. Where the machine does
other things as well, the processor's time for a frame says more than the clock's: it is that of the page's main thread.
"""

from statistics import median, quantiles

from playwright.sync_api import sync_playwright

from rmsprop_lib.playground.state import OPTIMIZERS
from tools.environment.chromium import FLAGS, program
from tools.paths import SITE

EVERYONE = "on=" + ",".join(OPTIMIZERS)
ADDRESS = f"surface=ravine&angle=20&steps=500&{EVERYONE}"
MEASURE = """
async address => {
  const { host, playground: mounted } = playground.mounted[0];
  mounted.set(address);
  const slider = host.shadowRoot.querySelector('input[aria-label^="ρ,"]');
  const frame = () => new Promise(requestAnimationFrame);
  const [events, frames] = [[], []];
  for (let k = 0, before = await frame(); k < 150; k++) {
    const begun = performance.now();
    slider.value = 0.2 + 0.004 * k;
    slider.dispatchEvent(new Event("input"));
    host.getBoundingClientRect();
    events.push(performance.now() - begun);
    const now = await frame();
    frames.push(now - before);
    before = now;
  }
  const maps = Array.from({ length: 15 }, (_, k) => {
    const begun = performance.now();
    playground.map(["sgd", "rmsprop", "adam"][k % 3], playground.fromAddress(mounted.address).state);
    return performance.now() - begun;
  });
  const paint = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  return { events: events.slice(30), frames: frames.slice(30), maps, paint: [paint] };
}
"""

NETWORK = f"surface=network&{EVERYONE}"
# What a frame's callbacks take, and when each frame begins.
CALLBACKS = """
window.frames_of = { work: [], begun: [] };
const request = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = callback => request(time => {
  const begun = performance.now();
  callback(time);
  document.querySelector(".playground-live").getBoundingClientRect();
  frames_of.work.push(performance.now() - begun);
  frames_of.begun.push(time);
});
"""
TRAIN = """
async ([address, play]) => {
  const { host, playground: mounted } = playground.mounted[0];
  const at = () => host.shadowRoot.getElementById("at").textContent;
  const button = host.shadowRoot.getElementById("play");
  if (!play) mounted.set(address);
  else button.click();
  frames_of.work.length = frames_of.begun.length = 0;
  const going = () => (play ? button.textContent === "Pause" : !at().startsWith("4000 "));
  while (going()) await new Promise(done => setTimeout(done, 50));
  const { work, begun } = frames_of;
  return { work: work.slice(), frames: begun.slice(1).map((time, k) => time - begun[k]) };
}
"""


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto((SITE / "chapters" / "playground.html").as_uri())
        page.wait_for_timeout(500)
        for name, values in page.evaluate(MEASURE, ADDRESS).items():
            print(f"{name:7} median {median(values):6.1f}, largest {max(values):6.1f} milliseconds")
        page.add_init_script(CALLBACKS)
        page.reload()
        page.wait_for_timeout(500)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def processor() -> float:
            metrics = session.send("Performance.getMetrics")["metrics"]
            return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

        for doing, play in (("training", False), ("playing", True)):
            before = processor()
            measured = page.evaluate(TRAIN, [NETWORK, play])
            mean = (processor() - before) / len(measured["work"])
            print(f"{doing:8} {len(measured['work'])} frames, processor's time mean {mean:.1f} milliseconds a frame")
            for name, values in measured.items():
                late = quantiles(values, n=20)[-1]
                print(f"{doing:8} {name:7} median {median(values):6.1f}, 95 % below {late:6.1f} milliseconds")
        browser.close()


if __name__ == "__main__":
    main()
