# A day in the life of an application that uses Cache::Memcached::Fast, over the text protocol (the only one that
# it speaks) and against the nodes named as arguments. Checks what it gets and dies if it is not what memcached
# would give.
use strict;
use warnings;
use utf8;
use Cache::Memcached::Fast;
use Time::HiRes qw(sleep time);

my ($protocol, @nodes) = @ARGV;
die "Cache::Memcached::Fast speaks text" unless $protocol eq 'text';

sub client {
    return Cache::Memcached::Fast->new({
        servers => \@nodes,
        ketama_points => 150,
        utf8 => 1,
        max_size => 4 * 1024 * 1024,
        connect_timeout => 10,
        io_timeout => 10,
        @_,
    });
}

# The client's calls answer nothing at all in a list, hence the prototype.
sub same($$$) {
    my ($expected, $got, $what) = @_;
    my $same = defined $expected ? defined $got && $expected eq $got : !defined $got;
    $_ = defined $_ ? substr($_, 0, 200) : 'undef' for my ($wanted, $found) = ($expected, $got);
    die "$what: expected $wanted, got $found\n" unless $same;
}

sub check_values {
    my ($mc) = @_;
    my %values = (
        text => 'a text',
        bytes => "\x00\x01\r\nEND\r\n\xff",
        unicode => 'ein schöner Wert, ключ, 鍵',
        empty => '',
        large => 'x' x 900_000,
    );
    for my $key (sort keys %values) {
        same(1, $mc->set($key, $values{$key}), "set $key");
        same($values{$key}, $mc->get($key), "get $key");
        same(1, $mc->delete($key), "delete $key");
        same(undef, $mc->get($key), "get deleted $key");
    }
    same(1, $mc->set(structure => { a => [1, 2, { b => 3 }] }), 'set a structure');
    same(3, $mc->get('structure')->{a}[2]{b}, 'get a structure');
}

sub check_many {
    my ($mc) = @_;
    my %many = map { ("many-$_" => "value $_") } 0 .. 999;
    my $stored = $mc->set_multi(map { [$_, $many{$_}] } keys %many);
    same(1000, scalar(grep { $_ } values %$stored), 'set_multi');
    my $found = $mc->get_multi(keys %many, 'nope');
    same(1000, scalar(keys %$found), 'get_multi');
    same($many{$_}, $found->{$_}, $_) for keys %many;
    $mc->delete_multi(keys %many);
    same(0, scalar(keys %{ $mc->get_multi(keys %many) }), 'get_multi of deleted');
}

sub check_conditions {
    my ($mc) = @_;
    same(1, $mc->add('condition', 'first'), 'add');
    same('', $mc->add('condition', 'second'), 'add again');
    same(1, $mc->replace('condition', 'third'), 'replace');
    same('third', $mc->get('condition'), 'replaced');
    same(1, $mc->delete('condition'), 'delete');
    same('', $mc->delete('condition'), 'delete again');
    same('', $mc->replace('condition', 'fourth'), 'replace nothing');
}

sub check_concatenation {
    my ($mc) = @_;
    $mc->set('line', 'b');
    same(1, $mc->append('line', 'c'), 'append');
    same(1, $mc->prepend('line', 'a'), 'prepend');
    same('abc', $mc->get('line'), 'line');
    same('', $mc->append('nope', 'c'), 'append to nothing');
}

sub check_numbers {
    my ($mc) = @_;
    $mc->set('counter', 10);
    same(11, $mc->incr('counter'), 'incr');
    same(100, $mc->incr('counter', 89), 'incr by 89');
    same(99, $mc->decr('counter'), 'decr');
    same(0, $mc->decr('counter', 1000) + 0, 'decr below zero');
    same('', $mc->incr('nope'), 'incr of nothing');
    $mc->set('other', 20);
    my $numbers = $mc->incr_multi(['counter', 5], ['other', 5]);
    same('5 25', join(' ', map { $numbers->{$_} + 0 } qw(counter other)), 'incr_multi');
}

sub check_cas {
    my ($mc) = @_;
    $mc->set('cas', '1');
    my ($cas, $value) = @{ $mc->gets('cas') };
    same('1', $value, 'gets');
    same(1, $mc->cas('cas', $cas, '2'), 'cas');
    same('', $mc->cas('cas', $cas, '3'), 'cas again');
    same('2', $mc->get('cas'), 'value after cas');
    same('', $mc->cas('nope', $cas, '3'), 'cas of nothing');
    same(undef, $mc->gets('nope'), 'gets of nothing');
    my $many = $mc->gets_multi('cas', 'nope');
    same('cas', join(' ', keys %$many), 'gets_multi');
    same(1, $many->{cas}[0] > $cas ? 1 : 0, 'a newer cas');
}

sub check_time {
    my ($mc) = @_;
    $mc->set('short', 'x', 1);
    $mc->set('touched', 'x', 1);
    $mc->set('got', 'x', 1);
    same(1, $mc->touch('touched', 100), 'touch');
    same('', $mc->touch('nope', 100), 'touch nothing');
    same('x', $mc->gat(100, 'got'), 'gat');
    my $deadline = time + 10;
    while (defined $mc->get('short')) {
        die "an item outlived its time\n" if time > $deadline;
        sleep 0.05;
    }
    same('x', $mc->get('touched'), 'touched');
    same('x', $mc->get('got'), 'got');
}

sub check_limits {
    my ($mc) = @_;
    same(0, $mc->set('huge', 'x' x 1_100_000) ? 1 : 0, 'a value past the limit');
    same(1, $mc->set('after', 'an error the connection still works'), 'set after an error');
    same('an error the connection still works', $mc->get('after'), 'get after an error');
}

sub check_options {
    my $silent = client(nowait => 1);
    $silent->set("silent-$_", "value $_") for 0 .. 499;
    same(1, $silent->nowait_push // 1, 'nowait_push');
    same("value $_", $silent->get("silent-$_"), "silent-$_") for 0 .. 499;
    my $prefixed = client(namespace => 'app:');
    $prefixed->set('key', 'x');
    same('x', $prefixed->get('key'), 'get in a namespace');
    # The namespace has no say in which node has the key.
    same('x', client()->get('app:key'), 'get of the whole key') if @nodes == 1;
}

my $mc = client();
same(1, $_, 'flush_all') for values %{ $mc->flush_all };
check_values($mc);
check_many($mc);
check_conditions($mc);
check_concatenation($mc);
check_numbers($mc);
check_cas($mc);
check_time($mc);
check_limits($mc);
check_options();
my $versions = $mc->server_versions;
same(scalar @nodes, scalar(keys %$versions), 'server_versions');
like_1_6($_) for values %$versions;
print "ok $Cache::Memcached::Fast::VERSION\n";

sub like_1_6 {
    my ($version) = @_;
    die "version $version\n" unless $version =~ /^1\.6\./;
}
