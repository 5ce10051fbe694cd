// Defects of the kinds that the model check is for, to be put into the copy that it runs: that it finds them says what it
// is worth. Knows how the compiled modules are worded.
import type { Change } from './copied-cache.ts'

export interface PlantedDefect {
  readonly name: string
  readonly changes: readonly Change[]
  /** In which scenarios it shows; in any, if none is named. */
  readonly scenarios: readonly string[]
  /** It is found in no time, so that every run of the tests can see it. */
  readonly soon?: true
}

const defect = (
  name: string,
  module: string,
  right: string,
  wrong: string,
  ...scenarios: string[]
): PlantedDefect => ({
  name,
  changes: [{ module, right, wrong }],
  scenarios,
})

const soon = (...parts: Parameters<typeof defect>): PlantedDefect => ({
  ...defect(...parts),
  soon: true,
})

export const PLANTED_DEFECTS: readonly PlantedDefect[] = [
  // ---- lists and the table
  defect('bytes of a list are not taken off', 'lru.js', 'this.#bytes[list] -= size;', ''),
  defect(
    'what took the place of an item is not known to the next one of its list',
    'lru.js',
    'items.setPrevious(next, item);',
    '{}',
  ),
  defect(
    'a bucket is split into the wrong halves',
    'hash-table.js',
    '(hash & half) === 0',
    '(hash & half) !== 0',
  ),
  defect(
    'an overflow bucket that is empty is not given back',
    'hash-table.js',
    'this.#giveBack(last);',
    '',
  ),
  defect(
    'an item is replaced where the last search ended, whatever is there',
    'hash-table.js',
    'words[entry] === old ? entry : this.#locate(old, hash)',
    'entry',
  ),
  defect(
    'sizes are counted up, not down',
    'cache.js',
    'this.sizes.add(size, -1);',
    'this.sizes.add(size, 0);',
  ),
  // ---- memory
  soon(
    'memory that a reply sends from is given out again',
    'cache.js',
    `        items.removeFlags(item, LINKED);
        if (items.pins(item) === 0)
            this.free(item);
    }
    // ---- limits of prefixes`,
    `        items.removeFlags(item, LINKED);
        this.free(item);
    }
    // ---- limits of prefixes`,
  ),
  defect(
    'what a reply has sent from is never freed',
    'cache.js',
    'if (this.items.pins(item) === 0 && (this.items.flags(item) & LINKED) === 0)',
    'if (false)',
  ),
  defect(
    'a large item is freed without its last chunk',
    'cache.js',
    'while (chunk !== 0) {',
    'while (items.next(chunk) !== 0) {',
  ),
  defect(
    'a new page is carved from where it ended as another class’s',
    'slabs.js',
    'this.#carved[this.#pages.first(from)] = 0;',
    '',
  ),
  defect(
    'memory that was given back still counts',
    'slab-pages.js',
    'bytes[MALLOCED] -= PAGE_BYTES;',
    '',
  ),
  // ---- moving pages
  soon(
    'a copy keeps its original’s pins',
    'item.js',
    'setMeta(to, this.meta(item) & 0x00ff_ffff);',
    'setMeta(to, this.meta(item));',
  ),
  defect(
    'chunks of a large item that was moved belong to where it was',
    'item.js',
    'this.#setChunkItem(chunk, to);',
    '',
  ),
  defect(
    'a large item does not learn that its last chunk was moved',
    'item.js',
    'view.setInt32(this.valueAt(item) + 4, to, true);',
    '{}',
  ),
  defect(
    'a free chunk that is taken out of use stays in the list of free ones',
    'slabs.js',
    'items.setNext(previous, next);',
    '{}',
  ),
  defect(
    'room that was made by evicting what needed it is lost',
    'page-mover.js',
    `            if (to !== 0)
                slabs.free(to, source);`,
    '',
  ),
  defect(
    'what was moved is not moved in the list of its limit',
    'cache.js',
    'this.limits.replace(limit, item, to);',
    '{}',
    'short values, limits of prefixes',
  ),
  defect(
    'a page is drained of what is being received',
    'page-mover.js',
    'if ((items.flags(item) & LINKED) === 0) {',
    'if (false) {',
  ),
  soon(
    'a page goes before the last of its chunks is out of use',
    'slabs.js',
    'return this.#state[RETIRED] === this.#carved[this.#state[DRAINING]];',
    'return this.#state[RETIRED] >= this.#carved[this.#state[DRAINING]] - 1;',
  ),
  defect(
    'the header of a large item that was moved is freed as what it counts as',
    'cache.js',
    'this.slabs.free(item, items.headerClass(item));',
    'this.slabs.free(item, items.slabClass(item));',
  ),
  // ---- crawls and tails
  defect(
    'a crawl frees what is being received',
    'crawler.js',
    ' || (items.flags(item) & LINKED) === 0',
    '',
  ),
  defect(
    'a tail is repaired by taking out what is being appended to',
    'lru.js',
    'if (this.#owner.isHeld(item))',
    'if (false)',
    'full, tails repaired',
  ),
  defect(
    'a tail is repaired by freeing what is being sent',
    'lru.js',
    `        this.#statistics.addToClass(slabClass, TAIL_REPAIRS, 1);
        this.#owner.unlink(item);`,
    `        this.#statistics.addToClass(slabClass, TAIL_REPAIRS, 1);
        while (this.#items.pins(item) > 0) this.#items.removePin(item);
        this.#owner.unlink(item);`,
    'full, tails repaired',
  ),
  // ---- what clients see
  defect(
    'a flush spares its own second',
    'cache.js',
    'accessed <= state[FLUSHED]',
    'accessed < state[FLUSHED]',
  ),
  defect(
    'what is stored after a flush in its second is dead',
    'cache.js',
    'this.#state[FLUSHED] + 1',
    'this.#state[FLUSHED]',
  ),
  defect(
    'the second flush of a second kills nothing',
    'cache.js',
    'if (state[FLUSHED] === now)',
    'if (false)',
  ),
  defect(
    'a flush to come makes the last one undone',
    'cache.js',
    'if (state[FLUSH_DUE] <= now)',
    'if (false)',
  ),
  defect(
    'a stale store loses the expiry',
    'store.js',
    'items.setExpiry(item, items.expiry(old));',
    '',
  ),
  defect(
    'uniques are compared as signed numbers',
    'store.js',
    'low >>> 0 < oldLow >>> 0',
    'low < oldLow',
    'segmented LRU',
  ),
  defect(
    'what an append makes does not expire',
    'store.js',
    'cache.items.setExpiry(item, request.vivifyExpiry);',
    '',
  ),
  defect(
    'a number is changed under the reply that sends it',
    'arithmetic.js',
    'length <= room && items.pins(item) === 0',
    'length <= room',
  ),
  defect('a carry is lost', 'arithmetic.js', 'if (low >= WORD)', 'if (false)'),
  defect(
    'an invalidation spares the last item that was stored',
    'prefix-invalidations.js',
    'return items.casLow(item) >>> 0 <= words[first + CAS_LOW] >>> 0;',
    'return items.casLow(item) >>> 0 < words[first + CAS_LOW] >>> 0;',
  ),
  defect(
    'the time between two processes is counted twice',
    'clock.js',
    '(Math.max(unixSeconds, stopped) - now) | 0',
    '(stopped - now) | 0',
  ),
]
