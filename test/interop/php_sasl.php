<?php
// One value there and back after a login by SASL: php_sasl.php HOST PORT USER PASSWORD
[, $host, $port, $user, $password] = $argv;
$client = new Memcached();
$client->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
$client->setSaslAuthData($user, $password);
$client->addServer($host, (int) $port);
if (!$client->set('php', ['a' => 1])) {
    fwrite(STDERR, $client->getResultMessage());
    exit(1);
}
if ($client->get('php') !== ['a' => 1]) {
    fwrite(STDERR, 'another value');
    exit(1);
}
echo "the same\n";
