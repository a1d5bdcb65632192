"""Opens pages of bundles in Chromium over its debugging pipe, in light and dark, wide and narrow. Fails if the page asks
for anything but itself, says anything on the console, runs a script, overflows, has too little contrast, or cannot be
used with the keyboard. Leaves a screenshot of each. Python's standard library only."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

VIEWS = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
LEAST_CONTRAST = 4.5
SHOT_HEIGHT = 1400

# Text whose contrast to what is painted behind it is too low (WCAG 2.2, 1.4.3), and other things that can be computed.
AUDIT = """
(() => {
  const found = [];
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = node => {
    for (let at = node; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const svg = node.closest('svg');
    if (svg && node.classList.contains('letter')) continue;
    const [a, b] = [light(parse(svg ? style.fill : style.color)), light(behind(svg ? svg.parentElement : node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < LEAST) found.push(`contrast ${ratio.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) {
    found.push(`wider than the window: ${document.documentElement.scrollWidth} > ${innerWidth}`);
  }
  if (document.querySelectorAll('h1').length !== 1) found.push('not one h1');
  for (const name of ['header', 'main', 'nav', 'footer']) {
    if (!document.querySelector(`body > ${name}`)) found.push(`no ${name}`);
  }
  let level = 1;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) found.push(`heading leaps to ${heading.tagName}`);
    level = own;
  }
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption) found.push('a table without a caption');
    for (const head of table.querySelectorAll('th')) if (!head.scope) found.push('a th without a scope');
  }
  for (const svg of document.querySelectorAll('svg')) {
    const named = (svg.getAttribute('aria-labelledby') || '').split(' ').every(id => id && document.getElementById(id));
    if (svg.getAttribute('aria-hidden') !== 'true' && !(svg.getAttribute('role') === 'img' && named)) {
      found.push('a drawing without a name');
    }
  }
  const ids = [...document.querySelectorAll('[id]')].map(node => node.id);
  if (new Set(ids).size !== ids.length) found.push('an id twice');
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    if (!document.getElementById(link.getAttribute('href').slice(1))) found.push(`no target: ${link.href}`);
  }
  if (document.scripts.length || document.images.length || document.styleSheets.length !== 1) found.push('not its own parts');
  return found;
})()
""".replace("LEAST", str(LEAST_CONTRAST))


class Browser:
    """Chromium, spoken to in JSON over two pipes, each message ended by a zero byte."""

    def __init__(self, profile):
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()

        def pipes():
            # The browser expects its pipes as descriptors 3 and 4.
            kept_read, kept_write = os.dup(to_read), os.dup(to_write)
            os.dup2(kept_read, 3)
            os.dup2(kept_write, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-extensions", "--remote-debugging-pipe",
             f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.rest = b""
        self.number = 0
        self.session = None
        self.events = []

    def receive(self):
        while b"\0" not in self.rest:
            piece = os.read(self.from_browser, 1 << 16)
            if not piece:
                raise SystemExit("the browser ended early")
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())

    def evaluate(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{expression[:60]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)


def what_was_said(events, address):
    """Requests, console messages and errors that must not be."""
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent" and parameters["request"]["url"].split("#")[0] != address:
            yield f"asks for {parameters['request']['url']}"
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
            yield f"{method}: {json.dumps(parameters)[:300]}"
        elif method == "Log.entryAdded":
            yield f"log: {parameters['entry'].get('text', '')[:300]}"


def keyboard(browser):
    """Tab begins with the link that skips; every fold opens and closes with Enter."""
    browser.press("Tab", 9)
    if browser.evaluate("document.activeElement.className") != "skip":
        yield "Tab does not begin with the skip link"
    folds = browser.evaluate("document.querySelectorAll('details > summary').length")
    for index in range(folds):
        fold = f"document.querySelectorAll('details > summary')[{index}]"
        before = browser.evaluate(f"({fold}.focus(), {fold}.parentElement.open)")
        browser.press("Enter", 13)
        if browser.evaluate(f"{fold}.parentElement.open") == before:
            yield f"fold {index} does not follow the keyboard"
        browser.press("Enter", 13)
    browser.evaluate("document.activeElement.blur()")


def look(browser, folder, name, scheme, width):
    address = (folder / name / "report.html").resolve().as_uri()
    browser.events.clear()
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.ask("Emulation.setEmulatedMedia", media="", features=features)
    browser.ask("Page.navigate", url=address)
    browser.wait_for("Page.loadEventFired")
    problems = list(browser.evaluate(AUDIT))
    height = browser.evaluate("document.documentElement.scrollHeight")
    # The whole page in pieces that can be looked at.
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=min(height, 8000), deviceScaleFactor=1, mobile=width < 600)
    for piece, top in enumerate(range(0, min(height, 8000), SHOT_HEIGHT), 1):
        clip = {"x": 0, "y": top, "width": width, "height": min(SHOT_HEIGHT, height - top), "scale": 1}
        shot = browser.ask("Page.captureScreenshot", format="png", clip=clip)
        (folder / f"{name}-{scheme}-{width}-{piece}.png").write_bytes(base64.b64decode(shot["data"]))
    problems += keyboard(browser)
    browser.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    problems += browser.evaluate(AUDIT)
    browser.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = false)")
    browser.ask("Emulation.setEmulatedMedia", media="print", features=features)
    hidden = "[...document.querySelectorAll('details > :not(summary)')].filter(node => !node.offsetHeight).length"
    if browser.evaluate(hidden):
        problems.append("folded parts are not printed")
    if len(base64.b64decode(browser.ask("Page.printToPDF", printBackground=True)["data"])) < 10_000:
        problems.append("nothing is printed")
    browser.ask("Emulation.setEmulatedMedia", media="", features=features)
    problems += what_was_said(browser.events, address)
    return sorted(set(problems))


def main(folder, names):
    failed = False
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        browser.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            browser.ask(f"{domain}.enable")
        for name in names:
            for scheme, width in VIEWS:
                problems = look(browser, folder, name, scheme, width)
                print(f"{name} {scheme} {width}: {'ok' if not problems else ''}")
                for problem in problems[:20]:
                    print(f"  {problem}")
                failed |= bool(problems)
        browser.session = None
        browser.ask("Browser.close")
        browser.process.wait(timeout=20)
    return 1 if failed else 0


sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
