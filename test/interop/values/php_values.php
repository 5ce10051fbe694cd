<?php
// Writes values with PHP's memcached extension for our client, or reads what that wrote. Arguments: the node, and write or
// read. Reading prints what it found as JSON: the type and the value of each key.
[, $node, $action] = $argv;
[$host, $port] = explode(':', $node);
$client = new Memcached();
$client->addServer($host, (int) $port);
$text = str_repeat('ein schöner Wert, ключ, 鍵. ', 200);
$noise = '';
for ($i = 0; $i < 20000; $i++) {
    $noise .= "line " . ($i * 7919 % 10007) . " of a text\n";
}

if ($action === 'write') {
    $client->set('text', 'ünïcode');
    $client->set('bytes', "\x00\xff\r\n");
    $client->set('int', -42);
    $client->set('float', 1.5);
    $client->set('infinite', -INF);
    $client->set('true', true);
    $client->set('false', false);
    $client->set('array', ['a' => 1]);
    $client->set('fastlz', $text);
    $client->set('fastlz-large', $noise);
    $client->setOption(Memcached::OPT_COMPRESSION_TYPE, Memcached::COMPRESSION_ZLIB);
    $client->set('zlib', $text);
    $client->setOption(Memcached::OPT_SERIALIZER, Memcached::SERIALIZER_JSON);
    $client->set('json', ['a' => [1, null]]);
    $client->set('json-zlib', ['text' => $text]);
} else {
    $client->setOption(Memcached::OPT_SERIALIZER, Memcached::SERIALIZER_JSON_ARRAY);
    $found = [];
    foreach (json_decode(stream_get_contents(STDIN)) as $key) {
        $value = $client->get($key);
        $found[$key] = [gettype($value), is_string($value) ? bin2hex($value) : var_export($value, true)];
    }
    echo json_encode($found);
}
