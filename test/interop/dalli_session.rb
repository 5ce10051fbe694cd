# A day in the life of an application that uses dalli, over the binary protocol (the only one that this
# version speaks) and against the nodes named as arguments. Checks what it gets and raises if it is not what
# memcached would give.
require "dalli"

protocol, *NODES = ARGV
raise "dalli #{Dalli::VERSION} speaks binary" unless protocol == "binary"

def same(expected, got, what)
  raise "#{what}: expected #{expected.inspect[0, 200]}, got #{got.inspect[0, 200]}" unless expected == got
end

def client(**options) = Dalli::Client.new(NODES, **options)

def check_values(mc)
  values = {
    "text" => "a text",
    "bytes" => "\x00\x01\r\nEND\r\n\xff".b,
    "ünïcode-ключ" => "ein schöner Wert, ключ, 鍵",
    "int" => 42,
    "nil" => nil,
    "object" => { a: [1, 2, { "b" => 3.5 }] },
    "empty" => "",
    "large" => "x" * 900_000,
  }
  values.each do |key, value|
    same(true, !!mc.set(key, value), "set #{key}")
    same(value, mc.get(key), "get #{key}")
    same(true, mc.delete(key), "delete #{key}")
    same(nil, mc.get(key), "get deleted #{key}")
  end
  same("computed", mc.fetch("fetched") { "computed" }, "fetch of nothing")
  same("computed", mc.fetch("fetched") { raise "is there" }, "fetch")
end

def check_many(mc)
  many = (0...1000).to_h { |i| ["many-#{i}", "value #{i}"] }
  mc.multi { many.each { |key, value| mc.set(key, value) } }
  same(many, mc.get_multi(many.keys + ["nope"]), "get_multi")
  mc.multi { many.each_key { |key| mc.delete(key) } }
  same({}, mc.get_multi(many.keys), "get_multi of deleted")
end

def check_conditions(mc)
  same(true, !!mc.add("condition", "first"), "add")
  same(false, mc.add("condition", "second"), "add again")
  same(true, !!mc.replace("condition", "third"), "replace")
  same("third", mc.get("condition"), "replaced")
  same(true, !!mc.delete("condition"), "delete")
  same(false, !!mc.delete("condition"), "delete again")
  # Not false: dalli 3.0.6 tells the absent item's cas.
  same(0, mc.replace("condition", "fourth"), "replace nothing")
end

def check_concatenation(mc)
  mc.set("line", "b", 0, raw: true)
  same(true, mc.append("line", "c"), "append")
  same(true, mc.prepend("line", "a"), "prepend")
  same("abc", mc.get("line", raw: true), "line")
  same(false, mc.append("nope", "c"), "append to nothing")
end

def check_numbers(mc)
  mc.set("counter", "10", 0, raw: true)
  same(11, mc.incr("counter"), "incr")
  same(100, mc.incr("counter", 89), "incr by 89")
  same(99, mc.decr("counter"), "decr")
  same(0, mc.decr("counter", 1000), "decr below zero")
  same(nil, mc.incr("nope"), "incr of nothing")
  same(7, mc.incr("initial", 1, 0, 7), "incr with an initial value")
  same(8, mc.incr("initial", 1, 0, 7), "and again")
end

def check_cas(mc)
  mc.set("cas", 1)
  same(true, !!mc.cas("cas") { |value| value + 1 }, "cas")
  same(2, mc.get("cas"), "value after cas")
  same(nil, mc.cas("nope") { raise "is not there" }, "cas of nothing")
  value, cas = mc.get_cas("cas")
  same(2, value, "get_cas")
  newer = mc.set_cas("cas", 3, cas)
  same(true, newer > cas, "set_cas")
  same(false, mc.set_cas("cas", 4, cas), "set_cas again")
  same([3, newer], mc.get_multi_cas("cas", "nope")["cas"], "get_multi_cas")
  same(false, mc.delete_cas("cas", cas), "delete_cas of an old one")
  same(true, !!mc.delete_cas("cas", newer), "delete_cas")
end

def check_time(mc)
  mc.set("short", "x", 1)
  mc.set("touched", "x", 1)
  mc.set("got", "x", 1)
  same(true, !!mc.touch("touched", 100), "touch")
  same(nil, mc.touch("nope", 100), "touch nothing")
  same("x", mc.gat("got", 100), "gat")
  same(nil, mc.gat("nope", 100), "gat of nothing")
  deadline = Time.now + 10
  until mc.get("short").nil?
    raise "an item outlived its time" if Time.now > deadline
    sleep 0.05
  end
  same("x", mc.get("touched"), "touched")
  same("x", mc.get("got"), "got")
end

def check_limits
  mc = client(value_max_bytes: 4 * 1024 * 1024)
  begin
    mc.set("huge", Random.bytes(1_100_000))
    raise "a value past the limit must raise"
  rescue Dalli::DalliError => error
    raise unless error.message.include?("Value too large")
  end
  mc.set("after", "an error the connection still works")
  same("an error the connection still works", mc.get("after"), "get after an error")
end

def check_options
  compressing = client(compress: true, namespace: "app")
  text = "compress me " * 10_000
  compressing.set("compressed", text)
  same(text, compressing.get("compressed"), "compressed")
  same(nil, client.get("compressed"), "a key without its namespace")
  same(text, client.get("app:compressed"), "a key with its namespace")
end

mc = client
same(true, mc.flush.all?, "flush")
mc.alive!
check_values(mc)
check_many(mc)
check_conditions(mc)
check_concatenation(mc)
check_numbers(mc)
check_cas(mc)
check_time(mc)
check_limits
check_options
same(NODES.sort, mc.stats.keys.sort, "stats of every node")
same(true, mc.stats.values.all? { |stats| stats["cmd_get"].to_i.positive? }, "every node was asked")
# A proxy has none of a node's settings.
unless ENV.key?("THROUGH_PROXY")
  same(true, mc.stats(:settings).values.all? { |stats| stats.key?("maxbytes") }, "stats settings")
end
same(true, mc.version.values.all? { |version| version.start_with?("1.6.") }, "version")
same(true, mc.reset_stats.all?, "reset_stats")
mc.close
puts "ok #{Dalli::VERSION}"
