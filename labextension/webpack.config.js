// Numbers of modules would differ with the folder that the bundle is built in.
module.exports = { optimization: { chunkIds: 'named', moduleIds: 'named' } };
