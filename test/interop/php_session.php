<?php
// A day in the life of an application that uses php-memcached, over the protocol (text or binary) and against
// the nodes named as arguments. Checks what it gets and ends with an exception if it is not what memcached would
// give.

$protocol = $argv[1];
$nodes = array_map(fn($node) => explode(':', $node), array_slice($argv, 2));

function client(array $options = []): Memcached
{
    global $protocol, $nodes;
    $mc = new Memcached();
    $mc->setOptions($options + [
        Memcached::OPT_BINARY_PROTOCOL => $protocol === 'binary',
        Memcached::OPT_LIBKETAMA_COMPATIBLE => true,
        Memcached::OPT_COMPRESSION => false,
        Memcached::OPT_TCP_NODELAY => true,
    ]);
    $mc->addServers($nodes);
    return $mc;
}

function same(mixed $expected, mixed $got, string $what): void
{
    if ($expected !== $got) {
        [$wanted, $found] = array_map(fn($value) => substr(var_export($value, true), 0, 200), [$expected, $got]);
        throw new Exception("$what: expected $wanted, got $found");
    }
}

function check_values(Memcached $mc): void
{
    global $protocol;
    // Over the text protocol this client takes printable ASCII keys alone.
    $unicode = $protocol === 'binary' ? 'ünïcode-ключ' : 'unicode';
    $values = [
        'text' => 'a text',
        'bytes' => "\x00\x01\r\nEND\r\n\xff",
        $unicode => 'ein schöner Wert, ключ, 鍵',
        'int' => 42,
        'float' => 1.5,
        'bool' => true,
        'list' => ['a' => [1, 2, ['b' => null]]],
        'empty' => '',
        'large' => str_repeat('x', 900_000),
    ];
    foreach ($values as $key => $value) {
        same(true, $mc->set($key, $value), "set $key");
        same($value, $mc->get($key), "get $key");
        same(true, $mc->delete($key), "delete $key");
        same(false, $mc->get($key), "get deleted $key");
        same(Memcached::RES_NOTFOUND, $mc->getResultCode(), "result of get deleted $key");
    }
    same('computed', $mc->get('computed', function ($mc, $key, &$value) {
        $value = 'computed';
        return true;
    }), 'read-through');
}

function check_many(Memcached $mc): void
{
    $many = [];
    for ($i = 0; $i < 1000; $i++) {
        $many["many-$i"] = "value $i";
    }
    same(true, $mc->setMulti($many), 'setMulti');
    $found = $mc->getMulti([...array_keys($many), 'nope'], Memcached::GET_PRESERVE_ORDER);
    same($many + ['nope' => null], $found, 'getMulti');
    same(true, $mc->getDelayed(['many-1', 'many-2'], true), 'getDelayed');
    $delayed = $mc->fetchAll();
    usort($delayed, fn($a, $b) => $a['key'] <=> $b['key']);
    same(['value 1', 'value 2'], array_column($delayed, 'value'), 'fetchAll');
    $mc->deleteMulti(array_keys($many));
    same([], $mc->getMulti(array_keys($many)), 'getMulti of deleted');
}

function check_conditions(Memcached $mc): void
{
    same(true, $mc->add('condition', 'first'), 'add');
    same(false, $mc->add('condition', 'second'), 'add again');
    same(Memcached::RES_NOTSTORED, normal($mc->getResultCode()), 'result of add again');
    same(true, $mc->replace('condition', 'third'), 'replace');
    same('third', $mc->get('condition'), 'replaced');
    same(true, $mc->delete('condition'), 'delete');
    same(false, $mc->delete('condition'), 'delete again');
    same(Memcached::RES_NOTFOUND, $mc->getResultCode(), 'result of delete again');
    same(false, $mc->replace('condition', 'fourth'), 'replace nothing');
}

/** The binary protocol tells "exists" where the text protocol says "not stored". */
function normal(int $result): int
{
    return $result === Memcached::RES_DATA_EXISTS ? Memcached::RES_NOTSTORED : $result;
}

function check_concatenation(Memcached $mc): void
{
    $mc->set('line', 'b');
    same(true, $mc->append('line', 'c'), 'append');
    same(true, $mc->prepend('line', 'a'), 'prepend');
    same('abc', $mc->get('line'), 'line');
    same(false, $mc->append('nope', 'c'), 'append to nothing');
    same(Memcached::RES_NOTSTORED, $mc->getResultCode(), 'result of append to nothing');
}

function check_numbers(Memcached $mc): void
{
    global $protocol;
    $mc->set('counter', 10);
    same(11, $mc->increment('counter'), 'increment');
    same(100, $mc->increment('counter', 89), 'increment by 89');
    same(99, $mc->decrement('counter'), 'decrement');
    same(0, $mc->decrement('counter', 1000), 'decrement below zero');
    same(false, $mc->increment('nope-counter'), 'increment of nothing');
    if ($protocol === 'binary') {
        same(7, $mc->increment('initial', 1, 7), 'increment with an initial value');
        same(8, $mc->increment('initial', 1, 7), 'and again');
    }
    $mc->set('text', 'not a number');
    same(false, @$mc->increment('text'), 'increment of a text');
    same('not a number', $mc->get('text'), 'the text');
}

function check_cas(Memcached $mc): void
{
    $mc->set('cas', '1');
    $found = $mc->get('cas', null, Memcached::GET_EXTENDED);
    same('1', $found['value'], 'gets');
    same(true, $mc->cas($found['cas'], 'cas', '2'), 'cas');
    same(false, $mc->cas($found['cas'], 'cas', '3'), 'cas again');
    same(Memcached::RES_DATA_EXISTS, $mc->getResultCode(), 'result of cas again');
    same('2', $mc->get('cas'), 'value after cas');
    same(false, $mc->cas($found['cas'], 'nope', '3'), 'cas of nothing');
    same(Memcached::RES_NOTFOUND, $mc->getResultCode(), 'result of cas of nothing');
    $many = $mc->getMulti(['cas'], Memcached::GET_EXTENDED);
    same(true, $many['cas']['cas'] > $found['cas'], 'a newer cas');
}

function check_time(Memcached $mc): void
{
    $mc->set('short', 'x', 1);
    $mc->set('date', 'x', time() + 100);
    $mc->set('touched', 'x', 1);
    same(true, $mc->touch('touched', 100), 'touch');
    same(false, $mc->touch('nope', 100), 'touch nothing');
    $deadline = microtime(true) + 10;
    while ($mc->get('short') !== false) {
        same(true, microtime(true) < $deadline, 'an item outlived its time');
        usleep(50_000);
    }
    same('x', $mc->get('touched'), 'touched');
    same('x', $mc->get('date'), 'date');
}

function check_limits(Memcached $mc): void
{
    same(false, $mc->set(str_repeat('x', 251), 'x'), 'a key too long');
    same(false, $mc->set('huge', str_repeat('x', 1_100_000)), 'a value too large');
    same(Memcached::RES_E2BIG, $mc->getResultCode(), 'result of a value too large');
    same(true, $mc->set('after', 'an error the connection still works'), 'set after an error');
    same('an error the connection still works', $mc->get('after'), 'get after an error');
}

function check_options(): void
{
    $compressing = client([Memcached::OPT_COMPRESSION => true]);
    $text = str_repeat('compress me ', 10_000);
    $compressing->set('compressed', $text);
    same($text, $compressing->get('compressed'), 'compressed');

    $prefixed = client([Memcached::OPT_PREFIX_KEY => 'app:', Memcached::OPT_SERIALIZER => Memcached::SERIALIZER_JSON_ARRAY]);
    $prefixed->set('key', ['json' => true]);
    same(['json' => true], $prefixed->get('key'), 'get with a prefix');
    // The prefix has no say in which node has the key.
    same(['json' => true], client([Memcached::OPT_SERIALIZER => Memcached::SERIALIZER_JSON_ARRAY])->getByKey('key', 'app:key'), 'get of the whole key');

    $hurried = client([Memcached::OPT_NO_BLOCK => true, Memcached::OPT_BUFFER_WRITES => true]);
    for ($i = 0; $i < 500; $i++) {
        $hurried->set("buffered-$i", "value $i");
    }
    same(true, $hurried->flushBuffers(), 'flushBuffers');
    for ($i = 0; $i < 500; $i++) {
        same("value $i", $hurried->get("buffered-$i"), "buffered-$i");
    }
}

$mc = client();
same(true, $mc->flush(), 'flush');
check_values($mc);
check_many($mc);
check_conditions($mc);
check_concatenation($mc);
check_numbers($mc);
check_cas($mc);
check_time($mc);
check_limits($mc);
check_options();
same(count($nodes), count($mc->getStats()), 'getStats');
foreach ($mc->getStats() as $stats) {
    // Of the items, a proxy knows nothing.
    same(true, getenv('THROUGH_PROXY') !== false || $stats['curr_items'] > 0, 'every node has items');
}
foreach ($mc->getVersion() as $version) {
    same(1, preg_match('/^1\.6\./', $version), "version $version");
}
same(true, $mc->quit(), 'quit');
echo 'ok ', phpversion('memcached'), "\n";
