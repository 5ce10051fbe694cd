<?php
// Where php-memcached puts keys. stdin: {"keys", "cases": [{"servers": [{"host", "port", "weight"}], "options": {name: value}}]};
// stdout: for each case the index of each key's server. Asks the library only: no server need be there.
$request = json_decode(file_get_contents('php://stdin'), true);

function value_of($value) {
  return is_string($value) ? constant("Memcached::$value") : $value;
}

$answers = [];
foreach ($request['cases'] as $case) {
  $client = new Memcached();
  foreach ($case['options'] as $name => $value) {
    if (!$client->setOption(constant("Memcached::$name"), value_of($value))) throw new Exception("$name is refused");
  }
  $index = [];
  foreach ($case['servers'] as $i => $server) {
    $client->addServer($server['host'], $server['port'], $server['weight']);
    $index[$server['host'] . ' ' . $server['port']] = $i;
  }
  $places = [];
  foreach ($request['keys'] as $key) {
    $server = $client->getServerByKey($key);
    $places[] = $index[$server['host'] . ' ' . $server['port']];
  }
  $answers[] = $places;
}
echo json_encode($answers);
