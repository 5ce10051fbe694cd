# Writes values with dalli for our client, or reads what that wrote. Arguments: the node, and write or read. Reading prints
# what it found as JSON: the type and the value of each key.
require 'json'
require 'dalli'

node, action = ARGV
json = Dalli::Client.new(node, serializer: JSON, compress: true)
text = 'ein schöner Wert, ключ, 鍵. ' * 200

if action == 'write'
  json.set('raw', 'ünïcode', 0, raw: true)
  json.set('bytes', "\x00\xff".b, 0, raw: true)
  json.set('hash', { 'a' => [1, nil, 'ü'] })
  json.set('number', 1.5)
  json.set('compressed', { 'text' => text })
  json.set('compressed-raw', text, 0, raw: true)
  Dalli::Client.new(node).set('marshal', { a: 1 })
else
  found = JSON.parse($stdin.read).to_h do |key|
    value = json.get(key)
    [key, [value.class.name, value.is_a?(String) ? value.unpack1('H*') : value.to_s]]
  end
  puts JSON.generate(found)
end
