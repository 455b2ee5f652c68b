"""Use a live figure as a reader does, and compare what it shows with torch."""

import importlib
import re
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "book" / "assets" / "live"
STILL = re.compile(r'<img[^>]* class="live"[^>]* src="[^"]*?([\w-]+)\.svg"')
NAMES = sorted(path.stem for path in ASSETS.glob("*.svg"))
NUMBER = re.compile(r"-?\d+(?:\.(?P<digits>\d+))?")
AGAIN = "Start again"  # the button that every figure has
SLACK = 1e-4  # of a number's last digit: it may lie between two


def on(tab):
    """The names of the live figures of a page, whether started or not."""
    return tab.evaluate(
        """[...document.querySelectorAll("img.live, [data-live]")].map(
            (e) => e.dataset.live ?? e.src.match(/([\\w-]+)[.]svg$/)[1])"""
    )


# set controls, or press buttons so often; then the numbers as text by their
# names, what is said, and all that is drawn
SHOWN = """(figure, settings) => {
    for (const [name, value] of settings) {
        const field = figure.querySelector(`[name="${name}"]`);
        if (!field) {
            const buttons = [...figure.querySelectorAll("button")];
            const button = buttons.find((one) => one.textContent === name);
            for (let time = 0; time < value; time += 1) button.click();
        } else if (field.type === "checkbox") {
            if (field.checked !== value) field.click();
        } else {
            field.value = value;
            if (field.value !== String(value))
                throw new Error(`${name} cannot be ${value}`);
            field.dispatchEvent(new Event("input", { bubbles: true }));
            field.dispatchEvent(new Event("change", { bubbles: true }));
        }
    }
    const numbers = [...figure.querySelectorAll("[data-number]")];
    return [
        Object.fromEntries(
            numbers.map((e) => [e.dataset.number, e.textContent])),
        figure.querySelector(".live-said").textContent,
        figure.innerHTML,
    ];
}"""


def start(tab, name):
    """Bring the figure of this name to the page; returns its locator."""
    tab.evaluate(
        "name => document.querySelector(`img.live[src$='${name}.svg'],"
        " [data-live='${name}']`).scrollIntoView()",
        name,
    )
    figure = tab.locator(f'[data-live="{name}"]')
    figure.wait_for()
    return figure


def shown_at(figure, position, tried):
    """Start again, bring each control and handle to its place, and look.

    A control is used by mouse and keyboard when it is not among those that
    were `tried`; later it gets the event that these end in, which is faster.

    Returns:
        The numbers as text by their names, what is said, all that is drawn.
    """
    quickly = []
    for name, value in {AGAIN: 1, **position}.items():
        if name in tried:
            quickly.append([name, value])
            continue
        if quickly:
            figure.evaluate(SHOWN, quickly)
            quickly = []
        handle = figure.locator(f'[data-handle="{name}"]')
        if handle.count():
            drag(figure, handle, value)
        else:
            tried.add(name)
            use(figure, name, value)
    return figure.evaluate(SHOWN, quickly)


def use(figure, name, value):
    """Bring a control to a value as a reader does, or press a button."""
    field = figure.locator(f'[name="{name}"]')
    if not field.count():
        for _ in range(value):
            press(figure, name)
    elif field.evaluate("e => e.tagName") == "SELECT":
        field.select_option(str(value))
    elif field.get_attribute("type") == "checkbox":
        field.set_checked(value)
    else:
        field.fill(str(value))


def press(figure, label):
    """Press the button with this label."""
    figure.get_by_role("button", name=label, exact=True).press("Enter")


def drag(figure, handle, place):
    """Drag a handle with the mouse to a place in units of the figure."""
    start, end = handle.evaluate(
        """(handle, [x, y]) => {
            const svg = handle.ownerSVGElement;
            svg.scrollIntoView({ block: "center", behavior: "instant" });
            const knob = handle.querySelector(".knob").getBoundingClientRect();
            const centre = [knob.x + knob.width / 2, knob.y + knob.height / 2];
            if (!handle.contains(document.elementFromPoint(...centre)))
                throw new Error("something lies on a handle");
            const screen = svg.getScreenCTM();
            const point = new DOMPoint(x, y).matrixTransform(screen);
            return [centre, [point.x, point.y]];
        }""",
        place,
    )
    mouse = figure.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move(*end)
    mouse.up()


def differs(text, expected):
    """Whether a text is not what is expected: words, a number or a list.

    A number agrees when it is the expected one rounded to the digits shown.
    """
    if isinstance(expected, (list, tuple)):
        parts = text.split()
        if len(parts) != len(expected):
            return True
        return any(map(differs, parts, expected))
    if isinstance(expected, (bool, str)):
        return text != str(expected)
    match = NUMBER.fullmatch(text)
    if not match:
        return True
    unit = 10.0 ** -len(match["digits"] or "")
    return abs(float(text) - expected) > unit * (0.5 + SLACK)


def faults(figure, name):
    """What the figure of this name shows otherwise than torch computes."""
    torch_says = importlib.import_module(f"positions.{name}")
    found, seen, tried = [], set(), set()
    if len(torch_says.POSITIONS) < 10:
        found.append("fewer than ten positions")
    for position in torch_says.POSITIONS:
        texts, said, html = shown_at(figure, position, tried)
        expected = torch_says.numbers(position)
        seen.add(str(sorted(texts.items())))
        if texts.keys() != expected.keys():
            found.append(f"{position}: shows {sorted(texts)}")
        found += [
            f"{position}: {key} is {texts[key]}, torch says {value}"
            for key, value in expected.items()
            if key in texts and differs(texts[key], value)
        ]
        if re.search(r"NaN|undefined|Infinity|\[object", html):
            found.append(f"{position}: draws what is no number")
        if not said:
            found.append(f"{position}: says nothing")
    if len(seen) < len(torch_says.POSITIONS) * 0.7:
        found.append("most positions show the same")
    return found


def deaf_handles(figure):
    """Handles that an arrow key does not move."""
    found = []
    for handle in figure.locator("[data-handle]").all():
        name = handle.get_attribute("data-handle")
        press(figure, AGAIN)
        handle = figure.locator(f'[data-handle="{name}"]')
        before = handle.get_attribute("transform")
        handle.focus()
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
            figure.page.keyboard.press(key)
            if handle.get_attribute("transform") != before:
                break
        else:
            found.append(name)
    press(figure, AGAIN)
    return found
