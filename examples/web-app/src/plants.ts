// What the nursery sells. Knows plants; not who buys them, and no page.

/** How its flowers stand: it is drawn so. */
export type Form = 'spike' | 'daisy' | 'umbel' | 'globe' | 'grass' | 'cup'

export interface Plant {
  /** Its number among the plants, which orders name it by. */
  readonly id: number
  readonly slug: string
  readonly name: string
  readonly latin: string
  readonly form: Form
  /** Of the flowers, in degrees. */
  readonly hue: number
  readonly centimetres: number
  /** Months of flower, 1 to 12. */
  readonly from: number
  readonly to: number
  readonly cents: number
  readonly about: string
}

type Row = readonly [
  name: string,
  latin: string,
  form: Form,
  hue: number,
  centimetres: number,
  from: number,
  to: number,
  cents: number,
  about: string,
]

const ROWS: readonly Row[] = [
  ['Lavender', 'Lavandula angustifolia', 'spike', 262, 60, 6, 8, 420, 'Dry soil, full sun, bees.'],
  ['Foxglove', 'Digitalis purpurea', 'spike', 320, 140, 5, 7, 390, 'For the edge of the shade.'],
  ['Purple coneflower', 'Echinacea purpurea', 'daisy', 318, 100, 7, 9, 560, 'Stands until frost.'],
  ['Black-eyed Susan', 'Rudbeckia fulgida', 'daisy', 45, 70, 7, 10, 480, 'Gold for late summer.'],
  ['Bronze fennel', 'Foeniculum vulgare', 'umbel', 52, 180, 7, 8, 350, 'Smoke with yellow stars.'],
  ['Bishop’s flower', 'Ammi majus', 'umbel', 95, 110, 6, 8, 290, 'Lace between all others.'],
  ['Yarrow', 'Achillea millefolium', 'umbel', 8, 70, 6, 9, 380, 'Asks for nothing, not even rain.'],
  ['Ornamental onion', 'Allium giganteum', 'globe', 285, 120, 5, 6, 650, 'A planet on a stalk.'],
  ['Globe thistle', 'Echinops ritro', 'globe', 222, 100, 7, 9, 520, 'Steel blue, and hums.'],
  ['Feather grass', 'Stipa tenuissima', 'grass', 48, 60, 6, 9, 410, 'Shows the wind.'],
  [
    'Silver grass',
    'Miscanthus sinensis',
    'grass',
    22,
    170,
    9,
    11,
    780,
    'A hedge of light in autumn.',
  ],
  ['Oriental poppy', 'Papaver orientale', 'cup', 8, 80, 5, 6, 540, 'A week of scarlet silk.'],
  ['Lady tulip', 'Tulipa clusiana', 'cup', 350, 30, 4, 5, 180, 'Opens at noon, shuts at tea.'],
  [
    'Woodland sage',
    'Salvia nemorosa',
    'spike',
    250,
    50,
    5,
    8,
    440,
    'Cut it back and have it twice.',
  ],
  [
    'Ox-eye daisy',
    'Leucanthemum vulgare',
    'daisy',
    60,
    60,
    5,
    9,
    260,
    'The meadow’s own handwriting.',
  ],
  [
    'Purple moor grass',
    'Molinia caerulea',
    'grass',
    280,
    90,
    8,
    10,
    620,
    'Turns to amber in October.',
  ],
  ['Masterwort', 'Astrantia major', 'umbel', 340, 70, 6, 8, 590, 'Pincushions for shade.'],
  [
    'Hyssop',
    'Agastache foeniculum',
    'spike',
    272,
    90,
    7,
    9,
    470,
    'Leaves for tea, spikes for bees.',
  ],
  ['Sneezeweed', 'Helenium autumnale', 'daisy', 24, 110, 7, 10, 530, 'Bonfire colours, wet feet.'],
  ['Sea holly', 'Eryngium planum', 'globe', 210, 80, 6, 9, 510, 'Blue to the bone.'],
  [
    'California poppy',
    'Eschscholzia californica',
    'cup',
    32,
    35,
    6,
    9,
    150,
    'Sow once, have for ever.',
  ],
  ['Pasque flower', 'Pulsatilla vulgaris', 'cup', 276, 25, 3, 5, 430, 'Furred, and first.'],
  [
    'Giant scabious',
    'Cephalaria gigantea',
    'globe',
    62,
    200,
    6,
    8,
    690,
    'Pale moons over the border.',
  ],
  ['Red valerian', 'Centranthus ruber', 'umbel', 345, 70, 5, 10, 360, 'Grows out of walls.'],
]

export const PLANTS: readonly Plant[] = ROWS.map(
  ([name, latin, form, hue, centimetres, from, to, cents, about], id) => ({
    ...{ id, slug: slugOf(name), name, latin, form, hue, centimetres, from, to, cents, about },
  }),
)

const BY_SLUG = new Map(PLANTS.map((plant) => [plant.slug, plant]))

export function plantOf(slug: string): Plant | undefined {
  return BY_SLUG.get(slug)
}

export function flowersIn(plant: Plant, month: number): boolean {
  return plant.from <= month && month <= plant.to
}

function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace('’', '')
    .replace(/[^a-z]+/g, '-')
    .replace(/^-|-$/g, '')
}
