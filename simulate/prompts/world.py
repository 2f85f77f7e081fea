"""Words of prompts about the real world, in two parts that share none of them; own wording.

The pilot's set thresholds and are never used again; the claims' are for what is claimed. No city, country, name,
template, opening or giving is in both. A country is one word without an article, a city is well known in one country
alone and does not have the country's name in its own.
"""

from dataclasses import dataclass

from .words import NAMES


@dataclass(frozen=True)
class World:
    """The words of one part.

    Attributes:
        cities: by country.   facts: templates with {city} that end before the country.
        openings: templates with {a} and {b}, two people.   givings: what the giver {s} does to the other one, who
        follows.   names: of people.
    """

    cities: dict[str, tuple[str, ...]]
    facts: tuple[str, ...]
    openings: tuple[str, ...]
    givings: tuple[str, ...]
    names: tuple[str, ...]


def _cities(text: str) -> dict[str, tuple[str, ...]]:
    """From lines "Country: City, Other City"."""
    found = {}
    for line in text.strip().splitlines():
        country, cities = line.split(":")
        found[country.strip()] = tuple(city.strip() for city in cities.split(","))
    return found


# SmolLM2's tokenizer splits two of pocket Pythia's names; the others are one token there and in Pythia's.
_NAMES = tuple(name for name in NAMES if name not in ("Donna", "Megan"))

# fmt: off
_PILOT_CITIES = _cities("""
    Bangladesh: Dhaka, Chittagong
    Cuba: Havana, Camaguey
    Egypt: Cairo, Luxor, Aswan
    Finland: Helsinki, Turku, Tampere
    Ghana: Accra, Kumasi
    Hungary: Budapest, Debrecen, Szeged
    Iran: Tehran, Isfahan, Shiraz
    Ireland: Dublin, Galway, Limerick
    Kenya: Nairobi, Mombasa, Kisumu
    Morocco: Casablanca, Marrakesh, Rabat
    Norway: Oslo, Bergen, Trondheim
    Peru: Lima, Cusco, Arequipa
    Portugal: Lisbon, Porto, Coimbra
    Romania: Bucharest, Timisoara, Brasov
    Spain: Madrid, Barcelona, Seville, Bilbao
    Thailand: Bangkok, Phuket, Chiang Mai
    Iraq: Baghdad, Basra, Mosul
    Nepal: Kathmandu, Pokhara
""")
_CLAIM_CITIES = _cities("""
    Afghanistan: Kabul, Kandahar
    Albania: Tirana, Durres
    Algeria: Oran, Annaba
    Angola: Luanda, Huambo
    Argentina: Buenos Aires, Mendoza, Bariloche
    Armenia: Yerevan, Gyumri
    Australia: Sydney, Melbourne, Brisbane
    Austria: Vienna, Salzburg, Innsbruck
    Azerbaijan: Baku
    Belarus: Minsk, Vitebsk
    Belgium: Brussels, Antwerp, Bruges
    Benin: Cotonou
    Bhutan: Thimphu
    Bolivia: Cochabamba, Potosi
    Botswana: Gaborone
    Brazil: Rio de Janeiro, Sao Paulo, Brasilia
    Bulgaria: Sofia, Plovdiv, Varna
    Cambodia: Phnom Penh, Siem Reap
    Cameroon: Yaounde, Douala
    Canada: Toronto, Montreal, Ottawa
    Chile: Valparaiso, Antofagasta
    China: Beijing, Shanghai, Shenzhen
    Colombia: Bogota, Medellin, Barranquilla
    Croatia: Zagreb, Dubrovnik
    Cyprus: Limassol, Larnaca
    Denmark: Copenhagen, Aarhus, Odense
    Ecuador: Quito, Guayaquil
    Estonia: Tallinn, Tartu
    Ethiopia: Addis Ababa
    Fiji: Suva
    France: Paris, Lyon, Marseille, Bordeaux
    Germany: Berlin, Munich, Hamburg, Cologne
    Greece: Athens, Thessaloniki
    Haiti: Port-au-Prince
    Honduras: Tegucigalpa
    Iceland: Reykjavik, Akureyri
    India: Mumbai, Chennai, Kolkata, Bangalore
    Indonesia: Jakarta, Surabaya, Bandung
    Israel: Tel Aviv, Haifa
    Italy: Rome, Milan, Venice, Florence
    Jamaica: Montego Bay, Ocho Rios
    Japan: Tokyo, Osaka, Kyoto, Hiroshima
    Jordan: Amman, Aqaba
    Kazakhstan: Almaty, Astana
    Laos: Vientiane, Luang Prabang
    Latvia: Riga, Jurmala
    Lebanon: Beirut
    Liberia: Monrovia
    Libya: Benghazi, Misrata
    Lithuania: Vilnius, Kaunas
    Madagascar: Antananarivo
    Malawi: Lilongwe, Blantyre
    Malaysia: Kuala Lumpur, Penang
    Mali: Bamako, Timbuktu
    Malta: Valletta
    Mexico: Tijuana, Monterrey, Cancun
    Mongolia: Ulaanbaatar
    Mozambique: Maputo, Beira
    Namibia: Windhoek
    Nicaragua: Managua
    Nigeria: Lagos, Abuja, Kano
    Oman: Muscat, Salalah
    Pakistan: Karachi, Lahore, Islamabad
    Paraguay: Asuncion
    Poland: Warsaw, Krakow, Gdansk
    Qatar: Doha
    Russia: Moscow, Vladivostok, Novosibirsk
    Rwanda: Kigali
    Senegal: Dakar
    Serbia: Belgrade, Novi Sad
    Slovakia: Bratislava, Kosice
    Slovenia: Ljubljana, Maribor
    Somalia: Mogadishu
    Sudan: Khartoum, Omdurman
    Sweden: Stockholm, Gothenburg, Malmo
    Switzerland: Zurich, Geneva, Basel
    Syria: Damascus, Aleppo, Homs
    Tanzania: Dar es Salaam, Dodoma
    Tunisia: Sfax, Sousse
    Turkey: Istanbul, Ankara, Izmir
    Uganda: Kampala, Entebbe
    Ukraine: Kyiv, Lviv, Kharkiv
    Uruguay: Montevideo
    Uzbekistan: Tashkent, Samarkand
    Venezuela: Caracas, Maracaibo
    Vietnam: Hanoi, Da Nang
    Yemen: Sanaa
    Zambia: Lusaka, Ndola
    Zimbabwe: Harare, Bulawayo
""")

PILOT = World(
    _PILOT_CITIES,
    (
        "{city} is located in", "{city} is a city in", "{city} is a large town in", "{city} is a big city in",
        "You can find {city} in",
    ),
    (
        "When {a} and {b} went to the store,", "After {a} and {b} came to the park,",
        "While {a} and {b} were at the hotel,", "As {a} and {b} left the office,",
        "One day {a} and {b} sat in the cafe, and", "Then {a} and {b} ran to the beach, and",
    ),
    (
        "{s} gave a drink to", "{s} handed the key to", "{s} sent a letter to", "{s} showed the map to",
        "{s} brought a basket to", "{s} sold the guitar to", "{s} wanted to give a ring to", "{s} took the blanket to",
        "{s} made a cake for", "{s} bought a ticket for", "{s} offered a chair to", "{s} threw the ball to",
        "{s} decided to sell a bag to", "{s} found the hat for", "{s} passed the bottle to", "{s} carried the box to",
        "{s} lent a book to", "{s} wrote a note to",
    ),
    _NAMES[1::4],
)
CLAIM = World(
    _CLAIM_CITIES,
    (
        "{city} is a major city in", "She wrote a book about {city}, a city in", "They live in {city}, a city in",
        "{city} is an important city in", "{city} is a popular destination in", "{city} is one of many cities in",
        "I took a bus from {city} to other parts of", "Our hotel was in {city}, a city in",
        "We spent a week in {city}, in", "{city} and other cities in", "I have friends in {city} and elsewhere in",
        "She was born in {city}, in", "He moved to {city}, a city in", "We went from {city} to other cities in",
    ),
    (
        "When {a} and {b} got to the camp,", "As {a} and {b} sat by the fire,", "After {a} and {b} finished the game,",
        "While {a} and {b} cleaned the house,", "Before {a} and {b} took the bus,", "Since {a} and {b} arrived early,",
        "Because {a} and {b} had no school,", "{a} met {b} at the museum, and", "Last night {a} visited {b}, and",
        "On Sunday {a} and {b} went fishing. Then", "In the morning {a} called {b}, and",
        "{a} and {b} studied together, and later", "Once {a} and {b} reached the lake,",
        "During the picnic {a} sat near {b}, and",
    ),
    (
        "{s} read a story to", "{s} whispered a secret to", "{s} baked some bread for", "{s} explained the rules to",
        "{s} told a joke to", "{s} sang a song for", "{s} described the plan to", "{s} introduced the neighbor to",
        "{s} played chess with", "{s} shared the sandwich with", "{s} split the bill with",
        "{s} argued about money with", "{s} waved goodbye to", "{s} paid the money to", "{s} returned the umbrella to",
        "{s} mailed a package to", "{s} delivered the flowers to", "{s} tossed the rope to", "{s} rolled the marble to",
        "{s} presented the award to", "{s} donated the old piano to", "{s} served the soup to",
        "{s} poured some tea for", "{s} cooked dinner for", "{s} painted a portrait for", "{s} built a small shelf for",
        "{s} ordered a pizza for", "{s} saved a seat for", "{s} opened the door for", "{s} held the ladder for",
        "{s} packed a lunch for", "{s} knitted a scarf for", "{s} fixed the bicycle for", "{s} repaired the radio for",
        "{s} picked some berries for", "{s} planted a tree for", "{s} reserved a table for",
        "{s} translated the menu for", "{s} taught the alphabet to", "{s} recommended a movie to",
        "{s} reported the problem to", "{s} revealed the truth to", "{s} promised a reward to",
        "{s} owed some money to", "{s} rented the spare room to", "{s} left the suitcase with",
        "{s} had lunch with", "{s} shook hands with", "{s} made a deal with", "{s} discussed the news with",
        "{s} borrowed a pen from", "{s} received a gift from", "{s} hid the candy from", "{s} stole a cookie from",
        "{s} got some advice from", "{s} took a photo of", "{s} drew a sketch of", "{s} told the truth about",
        "{s} sat down next to", "{s} listened to", "{s} waited for", "{s} stood behind", "{s} smiled at",
        "{s} shouted at", "{s} fed the horse for", "{s} washed the car for", "{s} moved the table for",
        "{s} demonstrated the trick to", "{s} mentioned the accident to", "{s} entrusted the diary to",
        "{s} wrapped a present for", "{s} collected the tickets from", "{s} checked the score with",
        "{s} walked home with",
    ),
    tuple(name for number, name in enumerate(_NAMES) if number % 4 != 1),
)
# fmt: on

PARTS = {"pilot": PILOT, "claim": CLAIM}
