const ms = require('ms')

require('http')
  .createServer((request, response) => response.end(`up ${ms('2s')}`))
  .listen(process.env.PORT)
