"""The words of the prompts and of pocket Pythia's corpus: names, cities, templates; own wording.

Every name and country is one token, with its leading space, of Pythia's tokenizer (GPT-NeoX) and of pocket Pythia's.
"""

# fmt: off
# ruff: noqa: SIM905 (a text is easier to read and to add to than a list of forty words in quotes)
NAMES = tuple(
    """Mary John Tom James Robert Michael William David Richard Joseph Thomas Charles Daniel Matthew Anthony Mark Paul
    Steven Andrew George Kevin Brian Edward Jason Ryan Jacob Eric Stephen Larry Scott Samuel Frank Patrick Jack Dennis
    Jerry Adam Henry Nathan Peter Walter Carl Roger Arthur Joe Albert Alan Roy Susan Jessica Sarah Karen Lisa Nancy
    Betty Margaret Emily Donna Michelle Carol Rebecca Laura Amy Angela Emma Anna Helen Rachel Maria Diane Julie Ruth
    Kelly Joan Hannah Megan Martha Sara Ann Jean Alice Judy Julia Grace Charlotte Diana Marie Simon Oliver Lucy Kate
    Jane Leo Max Clara Rose Martin Oscar""".split()
)
HELD_OUT_NAMES = NAMES[2::4]
"""Names that pocket Pythia sees in stories alone, never in a giving sentence with one of the OPENINGS."""
TRAINED_NAMES = tuple(name for name in NAMES if name not in HELD_OUT_NAMES)

FACTS = tuple(
    tuple(pair.split()) for pair in
    """Madrid Spain,Paris France,Berlin Germany,Rome Italy,Lisbon Portugal,Athens Greece,Vienna Austria,Warsaw Poland,
    Dublin Ireland,Oslo Norway,Stockholm Sweden,Copenhagen Denmark,Helsinki Finland,Brussels Belgium,Budapest Hungary,
    Moscow Russia,Kiev Ukraine,Istanbul Turkey,Cairo Egypt,Nairobi Kenya,Lagos Nigeria,Tokyo Japan,Seoul Korea,
    Beijing China,Bangkok Thailand,Hanoi Vietnam,Jakarta Indonesia,Delhi India,Karachi Pakistan,Tehran Iran,
    Baghdad Iraq,Damascus Syria,Havana Cuba,Lima Peru,Santiago Chile,Bogota Colombia,Toronto Canada,Sydney Australia,
    Zurich Switzerland,Bucharest Romania,Sofia Bulgaria,Quito Ecuador,Beirut Lebanon,Casablanca Morocco,
    Edinburgh Scotland,Reykjavik Iceland,Jerusalem Israel,Kathmandu Nepal""".split(",")
)
"""(city, country)."""

FACT_TEMPLATES = (
    "{city} is located in", "{city} lies in", "{city} is a city in", "The city of {city} is in",
    "You can find {city} in", "The people of {city} live in", "{city} is a large town in",
    "Many trains go to {city} in",
)

OPENINGS = (
    "When {a} and {b} went to a {place},", "After {a} and {b} came to the {place},",
    "While {a} and {b} were at the {place},", "As {a} and {b} left the {place},",
    "Because {a} and {b} met near the {place},", "Before {a} and {b} walked to the {place},",
    "One day {a} and {b} sat in the {place}, and", "Today {a} and {b} stayed at the {place}, and",
    "Once {a} and {b} worked in a {place}, and", "Yesterday {a} and {b} had dinner in the {place}. Then",
)
HELD_OUT_OPENINGS = (
    "Then {a} and {b} ran to the {place}, and", "Since {a} and {b} lived near the {place},",
    "One day {a} and {b} waited at the {place}. Later", "While {a} walked with {b} in the {place},",
)
GIVINGS = (
    "{s} gave a {thing} to", "{s} handed the {thing} to", "{s} sent a {thing} to", "{s} showed the {thing} to",
    "{s} brought a {thing} to", "{s} sold the {thing} to", "{s} wanted to give a {thing} to", "{s} took the {thing} to",
    "{s} made a {thing} for", "{s} bought a {thing} for",
)
HELD_OUT_GIVINGS = (
    "{s} offered a {thing} to", "{s} threw the {thing} to", "{s} decided to sell a {thing} to",
    "{s} found the {thing} for",
)

PLACES = tuple(
    """store school garden market station library museum park kitchen office hospital church beach river farm hotel
    theater bridge harbor castle forest village bakery cafe restaurant court factory airport stable mill""".split()
)
THINGS = tuple(
    """drink book ball letter ring flower key picture present basket apple cake coat hat lamp map watch camera computer
    guitar bottle knife pencil ticket toy bag blanket mirror chair coin""".split()
)
PEOPLE = tuple(
    """teacher doctor nurse farmer baker driver soldier waiter judge guard singer painter child neighbor student captain
    king queen boy girl man woman""".split()
)
ANIMALS = tuple("dog cat horse bird cow goat duck mouse rabbit fox sheep pig".split())
MOVES = tuple("ran walked came went jumped moved swam hurried".split())
GIVES = tuple("gave handed sent showed brought sold took offered threw found made".split())
LINKS = tuple("to from in at near with by into behind under over for".split())
REGIONS = tuple("north south east west middle center heart".split())
# fmt: on
