"""Train glyph_backbone.safetensors: a narrow ResNet-18 that reads letters.

It sees the 26 letters, upper and lower case as one class, printed in 17 of
the fonts that matplotlib carries, bent, coloured and laid on photos. It never
sees a digit. It stands in for a network trained on ImageNet: what it learnt
about strokes is good for other tasks.

The training takes about 6 minutes on one core. A second run gives the same
weights, bit for bit. Another kind of CPU adds in another order and ends with
slightly different ones.
"""

import json
import string
from pathlib import Path

import matplotlib
import numpy as np
import skimage.data
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import save
from sklearn.datasets import load_sample_image
from torch import nn
from torchvision.models import resnet18
from torchvision.models.resnet import BasicBlock
from tqdm import trange

NAME = "glyph_backbone.safetensors"
STEPS = 4000
BATCH = 128
RATE = 0.15  # highest learning rate
ROUNDS = 20  # how often each held-out letter is painted to be read
SEED = 0
WIDTH = 16  # channels of the first layer; ResNet-18 has 64
SIDE = 32  # height and width of the images that the network sees, in pixels

LETTERS = [
    upper + lower
    for upper, lower in zip(
        string.ascii_uppercase, string.ascii_lowercase, strict=True
    )
]
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
TRAIN_FONTS = """
    DejaVuSans DejaVuSans-Bold DejaVuSans-Oblique DejaVuSans-BoldOblique
    DejaVuSansMono DejaVuSansMono-Oblique DejaVuSerif DejaVuSerif-Bold
    DejaVuSerif-Italic DejaVuSerif-BoldItalic STIXGeneral STIXGeneralBol
    STIXGeneralItalic cmr10 cmb10 cmtt10 cmti10
""".split()
HELD_OUT_FONTS = ["STIXGeneralBolIta", "DejaVuSansMono-Bold", "cmss10"]
LUMINANCE = torch.tensor([0.3, 0.59, 0.11]).view(1, 3, 1, 1)


def narrow_resnet(width=WIDTH, classes=26):
    """Make torchvision's ResNet-18 narrower, with a stem for small images.

    Args:
        width: channels of the first layer; the last has 8 times as many.
        classes: number of outputs.

    Returns:
        nn.Module: from (N, 3, H, W) to (N, classes).
    """
    net = resnet18(num_classes=classes)
    net.inplanes = width
    net.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
    net.bn1 = nn.BatchNorm2d(width)
    for i in range(4):
        stride = 1 if i == 0 else 2
        layer = net._make_layer(BasicBlock, width * 2**i, 2, stride)
        setattr(net, f"layer{i + 1}", layer)
    net.fc = nn.Linear(8 * width, classes)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(
                module.weight, mode="fan_out", nonlinearity="relu"
            )
    return net


def glyphs(fonts, side=64):
    """Print every letter of some fonts, white on black, as large as fits.

    Args:
        fonts: names of font files of matplotlib, without ".ttf".
        side: height and width of the masks, in pixels.

    Returns:
        tuple: masks, uint8 of shape (N, side, side), and classes, int64 of
        shape (N,).
    """
    masks, classes = [], []
    for name in fonts:
        font = ImageFont.truetype(FONTS / f"{name}.ttf", 72)
        for k, letter in enumerate(LETTERS):
            for character in letter:
                masks.append(glyph(character, font, side))
                classes.append(k)
    return torch.from_numpy(np.stack(masks)), torch.tensor(classes)


def glyph(character, font, side):
    """Print one character in the middle of a (side, side) uint8 array."""
    left, top, right, bottom = font.getbbox(character)
    tight = Image.new("L", (right - left + 4, bottom - top + 4))
    pen = ImageDraw.Draw(tight)
    pen.text((2 - left, 2 - top), character, font=font, fill=255)
    scale = 0.8 * side / max(tight.size)
    width, height = (max(2, round(scale * size)) for size in tight.size)
    tight = tight.resize((width, height), Image.Resampling.LANCZOS)
    mask = Image.new("L", (side, side))
    mask.paste(tight, ((side - width) // 2, (side - height) // 2))
    return np.asarray(mask)


def photos(side=256):
    """Read the photos that serve as backgrounds; the shorter side is `side`.

    Returns:
        list: float tensors (3, H, W) in [0, 1].
    """
    pictures = [
        skimage.data.astronaut(),
        skimage.data.coffee(),
        skimage.data.brick(),
        skimage.data.gravel(),
        skimage.data.rocket(),
        load_sample_image("china.jpg"),
    ]
    bank = []
    for picture in pictures:
        image = Image.fromarray(picture).convert("RGB")
        scale = side / min(image.size)
        size = tuple(round(scale * length) for length in image.size)
        image = image.resize(size, Image.Resampling.LANCZOS)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        bank.append(pixels.float() / 255)
    return bank


class Painter:
    """Turn glyph masks into training images, differently every time.

    Args:
        bank: photos as `photos` returns them.
        generator: the torch.Generator that all chance comes from.
    """

    def __init__(self, bank, generator):
        self.bank = bank
        self.generator = generator

    def __call__(self, masks):
        """From uint8 (N, 64, 64) to float32 (N, 3, 32, 32) in [-1, 1]."""
        ink = masks.unsqueeze(1).float() / 255
        ink = self.degrade(self.warp(self.change_strokes(ink)))
        ink = (ink * (1 + 0.5 * self.uniform(len(ink)))).clamp(0, 1)
        return (self.colour(ink) - 0.5) / 0.5

    def uniform(self, n, channels=1):
        """Uniform numbers in [0, 1) of shape (n, channels, 1, 1)."""
        return torch.rand(n, channels, 1, 1, generator=self.generator)

    def normal(self, *shape):
        """Standard normal numbers."""
        return torch.randn(shape, generator=self.generator)

    def whole_number(self, n, high):
        """Integers from 0 to high - 1, of shape (n,)."""
        return torch.randint(high, (n,), generator=self.generator)

    def change_strokes(self, ink):
        """A quarter of the strokes each: as is, bold, very bold, thin."""
        kind = self.whole_number(len(ink), 4)
        ink[kind == 1] = F.max_pool2d(ink[kind == 1], 3, 1, 1)
        ink[kind == 2] = F.max_pool2d(ink[kind == 2], 5, 1, 2)
        ink[kind == 3] = -F.max_pool2d(-ink[kind == 3], 3, 1, 1)
        return ink

    def warp(self, ink):
        """Turn, shear, stretch, scale, shift and bend, down to 32 pixels."""
        n = len(ink)
        angle, shear = 0.26 * self.normal(n), 0.3 * self.normal(n)
        scale = 1 / (0.85 + 0.35 * self.uniform(n).view(n, 1, 1))
        stretch = torch.exp(0.15 * self.normal(n))
        cos, sin, zero = torch.cos(angle), torch.sin(angle), torch.zeros(n)
        turn = torch.stack([cos, -sin, sin, cos], 1).view(n, 2, 2)
        skew = torch.stack([stretch, shear, zero, 1 / stretch], 1)
        shift = 0.1 * (2 * self.uniform(n, 2).view(n, 2, 1) - 1)
        matrix = torch.cat([scale * turn @ skew.view(n, 2, 2), shift], 2)
        size = (SIDE, SIDE)
        grid = F.affine_grid(matrix, (n, 1, *size), align_corners=False)
        bend = F.interpolate(
            0.1 * self.normal(n, 2, 4, 4),
            size,
            mode="bicubic",
            align_corners=True,
        )
        grid = grid + bend.permute(0, 2, 3, 1)
        return F.grid_sample(ink, grid, align_corners=False)

    def degrade(self, ink):
        """Shrink seven in ten to 8, 10 or 14 pixels, and enlarge again."""
        kind = self.whole_number(len(ink), 3)
        kind[self.uniform(len(ink)).flatten() >= 0.7] = 3
        for k, side in enumerate((8, 10, 14)):
            small = F.adaptive_avg_pool2d(ink[kind == k], side)
            ink[kind == k] = F.interpolate(
                small, (SIDE, SIDE), mode="bilinear", align_corners=False
            )
        return ink

    def colour(self, ink):
        """Coloured ink on paper or photos; a fifth stays white on black."""
        n = len(ink)
        ground = self.paper(n)
        crops = self.crops(n)
        mean = crops.mean((2, 3), keepdim=True)
        crops = mean + (crops - mean) * (0.3 + 0.6 * self.uniform(n))
        ground = torch.where(self.uniform(n) < 0.5, crops, ground)
        image = ground + ink * (self.ink_colour(ground) - ground)
        image = torch.where(self.uniform(n) < 0.2, ink, image)
        noise = self.normal(*image.shape) * 0.04 * self.uniform(n)
        return (image + noise).clamp(0, 1)

    def paper(self, n):
        """Plain paper of a random colour, a little stained."""
        stains = 0.12 * self.normal(n, 3, 6, 6) * self.uniform(n)
        stains = F.interpolate(
            stains, (SIDE, SIDE), mode="bilinear", align_corners=False
        )
        return self.uniform(n, 3) + stains

    def crops(self, n):
        """Random pieces of the photos, half of them mirrored."""
        crops = []
        for k in self.whole_number(n, len(self.bank)).tolist():
            photo = self.bank[k]
            height, width = photo.shape[1:]
            top = self.whole_number(1, height - SIDE + 1).item()
            left = self.whole_number(1, width - SIDE + 1).item()
            crops.append(photo[:, top : top + SIDE, left : left + SIDE])
        crops = torch.stack(crops)
        return torch.where(self.uniform(n) < 0.5, crops, crops.flip(3))

    def ink_colour(self, ground):
        """A random colour that is clearly darker or lighter than `ground`."""
        n = len(ground)
        level = ground.mean((2, 3), keepdim=True) * LUMINANCE
        level = level.sum(1, keepdim=True)
        step = 0.35 + 0.4 * self.uniform(n)
        target = torch.where(level > 0.5, level - step, level + step)
        colour = self.uniform(n, 3)
        own = (colour * LUMINANCE).sum(1, keepdim=True)
        return (colour + target.clamp(0, 1) - own).clamp(0, 1)


def train(steps):
    """Train a network on letters painted anew for every batch.

    Args:
        steps: number of batches; the learning rate depends on it.

    Returns:
        nn.Module: as `narrow_resnet` makes it.
    """
    generator = torch.Generator().manual_seed(1000 + SEED)
    paint = Painter(photos(), generator)
    masks, classes = glyphs(TRAIN_FONTS)
    torch.manual_seed(SEED)
    net = narrow_resnet().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        net.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=steps, pct_start=0.15
    )
    for _ in trange(steps, desc="backbone", unit="step", ncols=79):
        pick = torch.randint(len(masks), (BATCH,), generator=generator)
        images = paint(masks[pick])
        images = images.contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(net(images), classes[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net


@torch.no_grad()
def accuracy(net):
    """The share of letters of the held-out fonts that `net` reads right."""
    masks, classes = glyphs(HELD_OUT_FONTS)
    paint = Painter(photos(), torch.Generator().manual_seed(7))
    net.eval()
    right = 0
    for _ in range(ROUNDS):
        images = paint(masks).contiguous(memory_format=torch.channels_last)
        right += (net(images).argmax(1) == classes).sum().item()
    return right / (ROUNDS * len(masks))


def half(state):
    """A state dict with its floating-point tensors in half precision."""
    return {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in state.items()
    }


def build(folder, steps=STEPS):
    """Train the network and write `glyph_backbone.safetensors` into `folder`.

    The file holds the weights in half precision and, as metadata under the
    key "about", a JSON text with classes, width, what the input must look
    like, the number of steps and the accuracy on held-out fonts.
    """
    torch.set_num_threads(1)
    net = train(steps)
    weights = half(net.state_dict())
    net.load_state_dict(weights)
    about = {
        "what": "narrow ResNet-18 that reads letters",
        "classes": LETTERS,
        "width": WIDTH,
        "input": "RGB, 32x32, (x - 0.5) / 0.5 of values in [0, 1]",
        "steps": steps,
        "seed": SEED,
        "accuracy_on_held_out_fonts": round(accuracy(net), 4),
        "licence": "MIT",
    }
    content = save(weights, metadata={"about": json.dumps(about)})
    (folder / NAME).write_bytes(content)
