# Where dalli puts keys. stdin: {"keys", "cases": [{"servers": [{"host", "port", "weight"}]}]};
# stdout: for each case the index of each key's server. Asks dalli's ring only: no server need be there.
require "dalli"
require "json"

request = JSON.parse($stdin.read)
answers = request["cases"].map do |testcase|
  addresses = testcase["servers"].map do |server|
    host = server["host"].include?(":") ? "[#{server["host"]}]" : server["host"]
    "#{host}:#{server["port"]}:#{server["weight"]}"
  end
  ring = Dalli::Client.new(addresses).send(:ring)
  index = ring.servers.each_with_index.to_h { |server, i| [server.name, i] }
  request["keys"].map { |key| index.fetch(ring.send(:server_for_hash_key, ring.send(:hash_for, key)).name) }
end
puts JSON.generate(answers)
