"""Write surnames.csv: real surnames of twelve languages in the letters a-z.

The names come from the locale lists of Faker (MIT licence), which is a Python
package: nothing is fetched. They stand in for the archive of names of 18
languages that the classic lesson downloads.
"""

import importlib
import random
import re
from collections import Counter

from tqdm import tqdm
from unidecode import unidecode

CAP = 400  # names a language, so that no language drowns the others
SEED = 1

# language -> where Faker keeps its surnames: [(locale, name of the list)]
LISTS = {
    "English": [("en_GB", "last_names")],
    "German": [("de_DE", "last_names")],
    "French": [("fr_FR", "last_names")],
    "Italian": [("it_IT", "last_names")],
    "Spanish": [("es_ES", "last_names")],
    "Polish": [("pl_PL", "unisex_last_names")],
    "Finnish": [("fi_FI", "last_names")],
    "Greek": [("el_GR", "last_names_male")],
    "Russian": [("ru_RU", "last_names_male")],
    "Georgian": [("ka_GE", "last_names")],
    "Zulu": [("zu_ZA", "last_names")],
    "Chinese": [("zh_CN", "last_names"), ("zh_TW", "last_names")],
}


def romanise(name):
    """Spell a name in the letters a-z alone: "Müller" -> "muller"."""
    return re.sub("[^a-z]", "", unidecode(name).lower())


def raw_names(language):
    """The surnames of one language, in the script that Faker holds."""
    names = []
    for locale, attribute in LISTS[language]:
        module = importlib.import_module(f"faker.providers.person.{locale}")
        names += getattr(module.Provider, attribute)
    return names


def surnames():
    """Collect the names.

    Names of one letter are dropped, and so is a name that two languages
    share, since nobody could say whose it is.

    Returns:
        list: pairs (name, language), sorted by language and name.
    """
    names = {}
    for language in tqdm(LISTS, "surnames", unit="language", ncols=79):
        spelled = {romanise(name) for name in raw_names(language)}
        names[language] = sorted(name for name in spelled if len(name) > 1)
    owners = Counter(name for known in names.values() for name in known)
    draw = random.Random(SEED)
    pairs = []
    for language, known in names.items():
        own = [name for name in known if owners[name] == 1]
        chosen = draw.sample(own, min(CAP, len(own)))
        pairs += [(name, language) for name in chosen]
    return sorted(pairs, key=lambda pair: pair[::-1])


def build(folder):
    """Write `surnames.csv` (columns name, language) into `folder`."""
    rows = [("name", "language"), *surnames()]
    text = "".join(f"{name},{language}\n" for name, language in rows)
    (folder / "surnames.csv").write_bytes(text.encode())
