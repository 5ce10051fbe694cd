# One value there and back over TLS, SASL or both: ruby dalli_secure.rb SERVER [CA] with MEMCACHE_USERNAME and
# MEMCACHE_PASSWORD from the environment.
require 'dalli'
require 'openssl'

server, ca = ARGV
options = { username: ENV['MEMCACHE_USERNAME'], password: ENV['MEMCACHE_PASSWORD'] }.compact
if ca
  context = OpenSSL::SSL::SSLContext.new
  context.ca_file = ca
  context.verify_mode = OpenSSL::SSL::VERIFY_PEER
  context.ssl_version = :SSLv23
  options[:ssl_context] = context
end
client = Dalli::Client.new(server, options)
value = 'ä' * 100_000
client.set('dalli', value)
raise 'another value' unless client.get('dalli') == value
client.set('counter', '41', 0, raw: true)
raise 'another count' unless client.incr('counter') == 42
puts 'the same'
